import type { ClassId } from '../models/retention-class.ts';

/** The registry's purposes, terms and reasons in Russian, for the policy and the back-office. English is in the registry itself. */

type Words = { purpose: string; from: string };

export const RU_WORDS: Readonly<Partial<Record<ClassId, Words>>> = {
  'request.content': { purpose: 'ответ на запрос и история, которую просит клиент', from: 'от запроса' },
  'request.idempotency': { purpose: 'повтор запроса не выполняется и не оплачивается дважды', from: 'от запроса' },
  'request.usage': { purpose: 'основание для списания', from: 'после года запроса' },
  delivery: { purpose: 'уведомление клиента о конце запроса', from: 'от запроса' },
  'api_key.secret': { purpose: 'узнавание ключа и подпись уведомлений', from: 'от отзыва ключа' },
  api_key: { purpose: 'владелец узнаёт ключ, в том числе в споре после отзыва', from: 'от отзыва ключа' },
  account: { purpose: 'баланс и состояние клиента', from: 'после года закрытия' },
  ledger: { purpose: 'бухгалтерский учёт', from: 'после года записи' },
  adjustment: { purpose: 'объяснение записи по балансу', from: 'после года корректировки' },
  reconciliation_alerts: { purpose: 'подтверждение неизменности учёта', from: 'после года записи' },
  reconciliation_segments: { purpose: 'подтверждение неизменности учёта', from: 'после года записи' },
  data_key: { purpose: 'шифрование содержимого', from: 'от удаления' },
  legal_hold: { purpose: 'сохранение нужного для спора или запроса органа', from: 'от снятия запрета' },
  'privacy_request.identity': { purpose: 'ответ на обращение', from: 'от конца обращения' },
  access_archive: { purpose: 'передача субъекту копии его данных', from: 'от создания архива' },
  privacy_request: { purpose: 'подтверждение, что обращение исполнено в срок', from: 'от конца обращения' },
  destruction_event: { purpose: 'подтверждение уничтожения', from: 'от уничтожения' },
  destruction_act: { purpose: 'подтверждение уничтожения', from: 'от уничтожения' },
  policy_acceptance: { purpose: 'подтверждение, какая версия когда была известна', from: 'от конца договора' },
  consent: { purpose: 'подтверждение, на что и какими словами дано согласие', from: 'от отзыва' },
  relay: { purpose: 'передача ответа и её продолжение после обрыва', from: 'от последнего события' },
  rate_limit: { purpose: 'защита от злоупотреблений', from: 'от последнего обращения' },
  queue: { purpose: 'выполнение запроса', from: 'от конца задания' },
  account_rollup: { purpose: 'нагрузка и помощь клиентам без чтения их запросов', from: 'от часа' },
  suspension_request: { purpose: 'решение двух человек о приостановке аккаунта', from: 'от запроса' },
  content_grant: { purpose: 'кто, когда и по какому обращению прочитал текст запроса', from: 'от записи' },
  announcement: { purpose: 'кто опубликовал объявление', from: 'от окончания' },
  act_signature: { purpose: 'подтверждение уничтожения', from: 'от уничтожения' },
  incident: { purpose: 'уведомление Роскомнадзора и учёт принятых мер', from: 'от окончания инцидента' },
  incident_account: { purpose: 'уведомление тех, чьи данные затронуты', from: 'от окончания инцидента' },
  account_contact: { purpose: 'связь с владельцем аккаунта', from: 'от удаления аккаунта' },
  ticket: { purpose: 'ответ на вопрос клиента', from: 'от закрытия обращения' },
  log: { purpose: 'стабильность и безопасность сервиса', from: 'от события' },
  staff: { purpose: 'вход, роли и ответ на вопрос, кто что сделал', from: 'от последней записи журнала о сотруднике' },
  staff_session: { purpose: 'чтобы не входить заново', from: 'от входа' },
  staff_throttle: { purpose: 'защита от подбора', from: 'от последней попытки' },
  audit: { purpose: 'кто что сделал и по какой причине', from: 'от записи' },
  price_proposal: { purpose: 'объяснение версии цены', from: 'после года окончания цены' },
};

/** Why a class is kept no shorter and no longer, by the words of the registry. */
const REASONS: Readonly<Record<string, string>> = {
  'the database removes a session when it expires': 'база данных сама удаляет истёкший сеанс',
  'the database removes a counter when it expires': 'база данных сама удаляет истёкший счётчик',
  'Civil Code art. 196: limitation of three years; the chain of hashes allows no gaps':
    'ст. 196 ГК РФ: исковая давность три года; цепочка хешей не допускает пропусков',
  'primary accounting and tax documents': 'первичные учётные и налоговые документы',
  'a year can be compared with the one before': 'год можно сравнить с предыдущим',
  'no norm asks for prompts; history is a function for the user, 152-FZ art. 5(7)':
    'норм о хранении текстов нет; история — функция для пользователя, ч. 7 ст. 5 закона № 152-ФЗ',
  'clients repeat within hours; the key is text of the client':
    'клиенты повторяют запрос в течение часов; ключ — текст клиента',
  'reconciling what was delivered': 'сверка доставленного',
  'events that are still being delivered are signed with it': 'им подписываются ещё не доставленные уведомления',
  'disputes about what a key was used for': 'споры о том, для чего применялся ключ',
  'kept as long as the account; an erasure destroys it':
    'хранится столько же, сколько учётная запись; уничтожается при её удалении',
  'the same trouble comes again; limitation of three years':
    'та же трудность возникает снова; исковая давность три года',
  'showing why something was kept longer': 'подтверждение, почему нечто хранилось дольше',
  'the answer has arrived, or is asked for again': 'ответ получен, или его запросят снова',
  'a link lives for seven days; whoever comes later asks again': 'ссылка живёт семь дней; позже подаётся новый запрос',
  'Order 179 p. 8 fixes three years': 'три года установлены п. 8 приказа Роскомнадзора № 179',
  'Order 179 p. 8 fixes three years; a copy comes after its act':
    'три года установлены п. 8 приказа Роскомнадзора № 179; экземпляр появляется после акта',
  'without content there is nothing to open': 'без содержимого открывать нечего',
  'a client comes back within minutes': 'клиент возвращается в течение минут',
  'a window is a minute; a slot lives as long as its request': 'окно — минута; место занято, пока идёт запрос',
  'a job leaves nothing behind': 'после задания ничего не остаётся',
  'stability; files end by day and go by age, standard output is up to whoever collects it':
    'стабильность; файлы заканчиваются по дням и удаляются по возрасту, стандартный вывод — дело того, кто его собирает',
};

/** Norms as the registry writes them, word by word. */
const NORMS: readonly (readonly [RegExp, string])[] = [
  [/performance of the contract with the customer/, 'исполнение договора с клиентом'],
  [/performance of the contract with the member of staff/, 'исполнение договора с сотрудником'],
  [/security of processing/, 'безопасность обработки'],
  [/limitation of three years/, 'исковая давность три года'],
  [/three years after the consent ends/, 'три года после окончания согласия'],
  [/the incident and its investigation are told to Roskomnadzor/, 'уведомление Роскомнадзора об инциденте'],
  [/\bart\. /g, 'ст. '],
  [/(\d+)-FZ/g, '$1-ФЗ'],
  [/Civil Code/g, 'ГК РФ'],
  [/Tax Code/g, 'НК РФ'],
  [/RKN Order (\d+) p\. /g, 'приказ Роскомнадзора № $1, п. '],
  [/Rosarchiv list (\d+) p\. /g, 'перечень Росархива № $1, п. '],
];

export function russianNorm(norm: string): string {
  return NORMS.reduce((text, [pattern, words]) => text.replace(pattern, words), norm);
}

/** A reason of the registry in Russian; some of them are norms. */
export function russianReason(reason: string): string {
  return REASONS[reason] ?? russianNorm(reason);
}
