import type { ClassId } from '../models/retention-class.ts';

/** The registry's purposes and terms in Russian, for the policy. English is in the registry itself. */

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
  privacy_request: { purpose: 'подтверждение, что обращение исполнено в срок', from: 'от конца обращения' },
  destruction_event: { purpose: 'подтверждение уничтожения', from: 'от уничтожения' },
  destruction_act: { purpose: 'подтверждение уничтожения', from: 'от уничтожения' },
  policy_acceptance: { purpose: 'подтверждение, какая версия когда была известна', from: 'от конца договора' },
  consent: { purpose: 'подтверждение, на что и какими словами дано согласие', from: 'от отзыва' },
  relay: { purpose: 'передача ответа и её продолжение после обрыва', from: 'от последнего события' },
  rate_limit: { purpose: 'защита от злоупотреблений', from: 'от последнего обращения' },
  queue: { purpose: 'выполнение запроса', from: 'от конца задания' },
  account_rollup: { purpose: 'нагрузка и помощь клиентам без чтения их запросов', from: 'от часа' },
  content_grant: { purpose: 'кто, когда и по какому обращению прочитал текст запроса', from: 'от записи' },
  announcement: { purpose: 'кто опубликовал объявление', from: 'от окончания' },
  act_signature: { purpose: 'подтверждение уничтожения', from: 'от уничтожения' },
  account_contact: { purpose: 'связь с владельцем аккаунта', from: 'от удаления аккаунта' },
  ticket: { purpose: 'ответ на вопрос клиента', from: 'от закрытия обращения' },
  log: { purpose: 'стабильность и безопасность сервиса', from: 'от события' },
};

/** Norms as the registry writes them, word by word. */
const NORMS: readonly (readonly [RegExp, string])[] = [
  [/performance of the contract with the customer/, 'исполнение договора с клиентом'],
  [/security of processing/, 'безопасность обработки'],
  [/limitation of three years/, 'исковая давность три года'],
  [/three years after the consent ends/, 'три года после окончания согласия'],
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
