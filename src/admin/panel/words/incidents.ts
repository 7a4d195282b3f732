/** Words of incidents with personal data, in both languages. */

const en = {
  labels: {
    incidents: 'Incidents with data',
    incidentAccounts: 'Accounts concerned',
    incidentClock: {
      open: 'open',
      overdue: 'overdue',
      soon: 'due within six hours',
      due: 'running',
      met: 'nothing due',
      over: 'closed',
    },
    incidentStep: {
      classify: 'Say whether it is a breach',
      describe: 'Write what the first notice needs',
      send_first: 'Send the first notice',
      investigate: 'Investigate, and write the result',
      send_additional: 'Send the additional notice',
      close: 'Tell the owners, then close it',
      over: 'Nothing: it is closed',
    },
    verdict: { unclear: 'not said yet', breach: 'a breach', no_breach: 'no breach' },
    topic: {
      event: 'what happened',
      data: 'which data, how many records',
      causes: 'presumed causes',
      harm: 'presumed harm to the subjects',
      measures: 'measures taken',
      contact: 'contact person for Roskomnadzor',
      investigation: 'result of the investigation',
      culprits: 'whose actions caused it',
    },
    notice: { first: 'first (24 hours)', additional: 'additional (72 hours)' },
    paper: {
      first: 'first notice (24 hours)',
      additional: 'additional notice (72 hours)',
      owner: 'letter to an owner',
    },
  },
  actions: {
    openIncident: 'Enter an incident',
    addFact: 'Add a fact',
    classifyIncident: 'Breach or not',
    linkAccounts: 'Link accounts',
    draftNotice: 'Draft a paper',
    noticeSent: 'Notice sent',
    closeIncident: 'Close',
  },
  properties: {
    incidentStep: 'Next step',
    incidentClock: 'Term',
    incidentId: 'Incident',
    verdict: 'Breach or not',
    detectedAt: 'Detected',
    subjectCount: 'People concerned',
    accountCount: 'Accounts linked',
    accountIds: 'Ids of accounts, with spaces or on lines of their own',
    incident_event: 'What happened',
    incident_data: 'Which data, how many records',
    incident_causes: 'Presumed causes',
    incident_harm: 'Presumed harm to the subjects',
    incident_measures: 'Measures taken',
    incident_contact: 'Contact person for Roskomnadzor',
    incident_investigation: 'Result of the investigation',
    incident_culprits: 'Whose actions caused it',
    topic: 'What it is about',
    notice: 'Which notice',
    noticeNumber: 'Number given by Roskomnadzor',
    sentAt: 'Sent',
    firstSentAt: 'First notice sent',
    firstNumber: 'Number of the first notice',
    additionalSentAt: 'Additional notice sent',
    additionalNumber: 'Number of the additional notice',
    paper: 'Which paper',
    openedBy: 'Entered by',
    linkedBy: 'Linked by',
  },
  messages: {
    openIncidents: 'Open incidents with personal data',
    draftText: 'Draft',
    file_first_ru_pdf: 'First notice (24 hours), Russian',
    file_first_en_pdf: 'First notice (24 hours), English, for reading along',
    file_additional_ru_pdf: 'Additional notice (72 hours), Russian',
    file_additional_en_pdf: 'Additional notice (72 hours), English, for reading along',
    file_owner_ru_pdf: 'Letter to an owner, Russian',
    file_owner_en_pdf: 'Letter to an owner, English',
    help_incidentStep_classify:
      'Was personal data shown, passed on or spread unlawfully or by accident, and are somebody’s rights infringed? An admin says so by “Breach or not”. Both terms run from the detection meanwhile. In doubt it is a breach.',
    help_incidentStep_describe:
      'By “Add a fact” write, each on its own: presumed causes, presumed harm to people, measures taken, and who of you talks with Roskomnadzor. What happened is there already. Presumptions are enough: the investigation may correct them.',
    help_incidentStep_send_first:
      'Within 24 hours of the detection. “Draft a paper” gives the text with all the items; copy it into Roskomnadzor’s form, send it, then note it by “Notice sent” with its number.',
    help_incidentStep_investigate:
      'Within 72 hours of the detection Roskomnadzor wants the result: what really happened, and whose actions caused it, if that is known. Write it by “Add a fact”: result of the investigation.',
    help_incidentStep_send_additional:
      'Within 72 hours of the detection. Take the text from “Draft a paper”, send it by Roskomnadzor’s form, then note it by “Notice sent”.',
    help_incidentStep_close:
      'Nothing is due any more. Tell the owners of linked accounts if it matters to them (letters: npm run incident -- letters), then close it with the reason.',
    help_incidentStep_over: 'The register keeps it for three years.',
    explain_openIncident:
      'For anything that may have shown personal data to somebody who must not see it. Enter it at once, also when you are not sure: 24 hours run from the moment somebody noticed. Write what happened, when, and how it was noticed.',
    explain_addFact:
      'The newest text on a subject stands in the notices; what was written before stays in the register. It is kept sealed.',
    explain_classifyIncident:
      'A breach is an unlawful or accidental transfer, showing or spreading of personal data that infringes somebody’s rights. Roskomnadzor has to be told of it within 24 hours, of the investigation within 72. In doubt say breach.',
    explain_linkAccounts: 'Accounts whose data is concerned, up to 100 at once. The script takes a file.',
    explain_draftNotice:
      'The text with all the items that the law wants, to copy into the form of Roskomnadzor. Lines stand for what nobody has written yet. As PDF it is among the files of the page.',
    explain_noticeSent: 'Send it first. The number is on the answer of Roskomnadzor.',
    explain_closeIncident: 'Both notices are sent, or it was no breach. A closed incident is not opened again.',
  },
};

const ru: typeof en = {
  labels: {
    incidents: 'Инциденты с данными',
    incidentAccounts: 'Затронутые аккаунты',
    incidentClock: {
      open: 'открытые',
      overdue: 'просрочен',
      soon: 'не больше шести часов',
      due: 'идёт',
      met: 'ничего не ждут',
      over: 'закрыт',
    },
    incidentStep: {
      classify: 'Решить, есть ли нарушение',
      describe: 'Написать всё для первичного уведомления',
      send_first: 'Отправить первичное уведомление',
      investigate: 'Расследовать и написать результат',
      send_additional: 'Отправить дополнительное уведомление',
      close: 'Сообщить владельцам и закрыть',
      over: 'Ничего: закрыт',
    },
    verdict: { unclear: 'ещё не решено', breach: 'нарушение', no_breach: 'нарушения нет' },
    topic: {
      event: 'что произошло',
      data: 'какие данные, сколько записей',
      causes: 'предполагаемые причины',
      harm: 'предполагаемый вред субъектам',
      measures: 'принятые меры',
      contact: 'контактное лицо для Роскомнадзора',
      investigation: 'результат расследования',
      culprits: 'чьи действия стали причиной',
    },
    notice: { first: 'первичное (24 часа)', additional: 'дополнительное (72 часа)' },
    paper: {
      first: 'первичное уведомление (24 часа)',
      additional: 'дополнительное уведомление (72 часа)',
      owner: 'письмо владельцу',
    },
  },
  actions: {
    openIncident: 'Внести инцидент',
    addFact: 'Добавить сведения',
    classifyIncident: 'Есть ли нарушение',
    linkAccounts: 'Связать аккаунты',
    draftNotice: 'Черновик документа',
    noticeSent: 'Уведомление отправлено',
    closeIncident: 'Закрыть',
  },
  properties: {
    incidentStep: 'Следующий шаг',
    incidentClock: 'Срок',
    incidentId: 'Инцидент',
    verdict: 'Есть ли нарушение',
    detectedAt: 'Выявлен',
    subjectCount: 'Сколько людей затронуто',
    accountCount: 'Связано аккаунтов',
    accountIds: 'Идентификаторы аккаунтов через пробел или по одному в строке',
    incident_event: 'Что произошло',
    incident_data: 'Какие данные, сколько записей',
    incident_causes: 'Предполагаемые причины',
    incident_harm: 'Предполагаемый вред субъектам',
    incident_measures: 'Принятые меры',
    incident_contact: 'Контактное лицо для Роскомнадзора',
    incident_investigation: 'Результат расследования',
    incident_culprits: 'Чьи действия стали причиной',
    topic: 'О чём',
    notice: 'Какое уведомление',
    noticeNumber: 'Номер, присвоенный Роскомнадзором',
    sentAt: 'Отправлено',
    firstSentAt: 'Первичное уведомление отправлено',
    firstNumber: 'Номер первичного уведомления',
    additionalSentAt: 'Дополнительное уведомление отправлено',
    additionalNumber: 'Номер дополнительного уведомления',
    paper: 'Какой документ',
    openedBy: 'Кто внёс',
    linkedBy: 'Кто связал',
  },
  messages: {
    openIncidents: 'Открытых инцидентов с персональными данными',
    draftText: 'Черновик',
    file_first_ru_pdf: 'Первичное уведомление (24 часа)',
    file_first_en_pdf: 'Первичное уведомление (24 часа), по-английски для справки',
    file_additional_ru_pdf: 'Дополнительное уведомление (72 часа)',
    file_additional_en_pdf: 'Дополнительное уведомление (72 часа), по-английски для справки',
    file_owner_ru_pdf: 'Письмо владельцу, по-русски',
    file_owner_en_pdf: 'Письмо владельцу, по-английски',
    help_incidentStep_classify:
      'Были ли персональные данные неправомерно или случайно показаны, переданы или распространены и нарушены ли чьи-то права? Решает администратор: «Есть ли нарушение». Оба срока тем временем идут с момента выявления. Если есть сомнения — это нарушение.',
    help_incidentStep_describe:
      'Через «Добавить сведения» напишите по отдельности: предполагаемые причины, предполагаемый вред людям, принятые меры и кто от вас общается с Роскомнадзором. Что произошло — уже написано. Достаточно предположений: расследование их уточнит.',
    help_incidentStep_send_first:
      'Не позднее 24 часов с момента выявления. «Черновик документа» даёт текст со всеми сведениями: перенесите его в форму Роскомнадзора, отправьте и отметьте через «Уведомление отправлено» с номером.',
    help_incidentStep_investigate:
      'Не позднее 72 часов с момента выявления Роскомнадзор ждёт результат: что произошло на самом деле и чьи действия стали причиной, если это известно. Напишите его через «Добавить сведения»: результат расследования.',
    help_incidentStep_send_additional:
      'Не позднее 72 часов с момента выявления. Возьмите текст из «Черновик документа», отправьте через форму Роскомнадзора и отметьте через «Уведомление отправлено».',
    help_incidentStep_close:
      'Больше ничего не ждут. Сообщите владельцам связанных аккаунтов, если для них это важно (письма: npm run incident -- letters), и закройте с причиной.',
    help_incidentStep_over: 'Реестр хранит его три года.',
    explain_openIncident:
      'Для всего, из-за чего персональные данные мог увидеть тот, кому нельзя. Внесите сразу, даже если не уверены: 24 часа идут с момента, когда это заметили. Напишите, что и когда произошло и как это обнаружили.',
    explain_addFact:
      'В уведомления попадает последний текст о каждом предмете; написанное раньше остаётся в реестре. Хранится зашифрованным.',
    explain_classifyIncident:
      'Нарушение — неправомерная или случайная передача, показ или распространение персональных данных, нарушившие чьи-то права. О нём сообщают в Роскомнадзор за 24 часа, о расследовании — за 72. Сомневаетесь — выбирайте нарушение.',
    explain_linkAccounts: 'Аккаунты, чьи данные затронуты, до 100 за раз. Команда принимает файл.',
    explain_draftNotice:
      'Текст со всеми сведениями, которых требует закон, чтобы перенести его в форму Роскомнадзора. Линии — там, где ещё ничего не написано. PDF — в файлах на странице инцидента.',
    explain_noticeSent: 'Сначала отправьте. Номер указан в ответе Роскомнадзора.',
    explain_closeIncident: 'Оба уведомления отправлены, или нарушения нет. Закрытый инцидент снова не открывается.',
  },
};

export const INCIDENT_WORDS = { en, ru };
