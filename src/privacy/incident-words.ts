import type { IncidentNotice, IncidentTopic } from '../models/incident.ts';

/** The words of papers about incidents. Russian is the law's language, English is for reading along. */

export type IncidentWords = {
  titles: Record<IncidentNotice | 'owner', string>;
  subtitles: Record<IncidentNotice | 'owner', string>;
  topics: Record<IncidentTopic, string>;
  /** To the owner: fewer words, and nothing of the law's. */
  ownerTopics: Partial<Record<IncidentTopic, string>>;
  operator: string;
  email: string;
  register: string;
  detected: string;
  subjects: string;
  firstSent: (moment: string, number: string | undefined) => string;
  first: string;
  asKnown: string;
  nobody: string;
  account: string;
  date: string;
  toOwner: string;
  advice: string;
  signed: string;
};

const RU: IncidentWords = {
  titles: {
    first: 'Первичное уведомление об инциденте с персональными данными',
    additional: 'Дополнительное уведомление об инциденте с персональными данными',
    owner: 'Уведомление об инциденте с вашими данными',
  },
  subtitles: {
    first: 'В Роскомнадзор · п. 1 ч. 3.1 ст. 21 Федерального закона № 152-ФЗ · не позднее 24 часов с момента выявления',
    additional:
      'В Роскомнадзор · п. 2 ч. 3.1 ст. 21 Федерального закона № 152-ФЗ · не позднее 72 часов с момента выявления',
    owner: 'Владельцу учётной записи',
  },
  topics: {
    event: 'Произошедший инцидент',
    data: 'Затронутые персональные данные',
    causes: 'Предполагаемые причины, повлекшие нарушение прав субъектов',
    harm: 'Предполагаемый вред, нанесённый правам субъектов',
    measures: 'Принятые меры по устранению последствий инцидента',
    contact: 'Лицо, уполномоченное взаимодействовать с Роскомнадзором по инциденту',
    investigation: 'Результаты внутреннего расследования инцидента',
    culprits: 'Лица, действия которых стали причиной инцидента',
  },
  ownerTopics: {
    event: 'Что произошло',
    data: 'Какие данные затронуты',
    harm: 'К чему это может привести',
    measures: 'Что мы сделали',
  },
  operator: 'Оператор: наименование, ИНН, адрес',
  email: 'Адрес электронной почты оператора',
  register: 'Номер в реестре инцидентов оператора',
  detected: 'Дата и время выявления (московское время)',
  subjects: 'Число субъектов, чьи данные затронуты',
  firstSent: (moment, number) => (number === undefined ? moment : `${moment}, № ${number}`),
  first: 'Первичное уведомление направлено',
  asKnown: 'Сведения об инциденте с учётом расследования',
  nobody: 'не установлены',
  account: 'Учётная запись',
  date: 'Дата письма',
  toOwner: 'Сообщаем об инциденте, который затронул данные вашей учётной записи.',
  advice:
    'Если вы заметите списания или запросы, которых не делали, отзовите ключи учётной записи и напишите нам. Ответ на это письмо не требуется.',
  signed: 'От имени оператора:',
};

const EN: IncidentWords = {
  titles: {
    first: 'First notice of an incident with personal data',
    additional: 'Additional notice of an incident with personal data',
    owner: 'Notice of an incident with your data',
  },
  subtitles: {
    first: 'For reading along · to Roskomnadzor · 152-FZ art. 21(3.1)(1) · within 24 hours of the detection',
    additional: 'For reading along · to Roskomnadzor · 152-FZ art. 21(3.1)(2) · within 72 hours of the detection',
    owner: 'To the owner of the account',
  },
  topics: {
    event: 'The incident',
    data: 'Personal data concerned',
    causes: 'Presumed causes of the infringement of subjects’ rights',
    harm: 'Presumed harm to the rights of subjects',
    measures: 'Measures taken against the consequences',
    contact: 'Person authorised to deal with Roskomnadzor about the incident',
    investigation: 'Results of the internal investigation',
    culprits: 'Persons whose actions caused the incident',
  },
  ownerTopics: {
    event: 'What has happened',
    data: 'Which data is concerned',
    harm: 'What may come of it',
    measures: 'What we have done',
  },
  operator: 'Operator: name, INN, address',
  email: 'The operator’s e-mail',
  register: 'Number in the operator’s register of incidents',
  detected: 'Detected at (Moscow time)',
  subjects: 'How many subjects are concerned',
  firstSent: (moment, number) => (number === undefined ? moment : `${moment}, No. ${number}`),
  first: 'The first notice was sent',
  asKnown: 'The incident as known after the investigation',
  nobody: 'not established',
  account: 'Account',
  date: 'Date of this letter',
  toOwner: 'This is to tell you of an incident that concerns the data of your account.',
  advice:
    'If you notice charges or requests that are not yours, revoke the keys of the account and write to us. There is no need to answer this letter.',
  signed: 'For the operator:',
};

export const INCIDENT_PAPER_WORDS: Readonly<Record<'ru' | 'en', IncidentWords>> = { ru: RU, en: EN };
