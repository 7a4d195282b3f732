/** Words of acts of destruction and their signed copies, in both languages. */

const en = {
  labels: {
    acts: 'Acts of destruction',
    actSignatures: 'Signed copies of acts',
    signatureKind: { scan: 'scan of the signed paper', detached: 'detached electronic signature' },
  },
  actions: {},
  properties: {
    destroyedAt: 'Destroyed',
    causeId: 'Because of',
    grounds: 'Norm',
    subjects: 'Subjects',
    categories: 'What was destroyed, rows',
    events: 'Entries of the event log',
    unconfirmed: 'of these not confirmed',
    extractHash: 'SHA-256 of the extract',
    previousHash: 'SHA-256 of the act before',
    signatureKind: 'Kind',
    keptBy: 'Kept by',
    mediaType: 'Type of the file',
    bytes: 'Bytes',
    sha256: 'SHA-256 of the file',
  },
  messages: {
    empty_acts: 'No act yet. One is drawn by every erasure, and by every run of the purge that destroyed something.',
    empty_actSignatures:
      'No signed copy yet. Print an act, have it signed, and keep the scan or the signature on the act’s page.',
  },
};

const ru: typeof en = {
  labels: {
    acts: 'Акты об уничтожении',
    actSignatures: 'Подписанные экземпляры актов',
    signatureKind: { scan: 'скан подписанной бумаги', detached: 'отсоединённая электронная подпись' },
  },
  actions: {},
  properties: {
    destroyedAt: 'Уничтожено',
    causeId: 'Из-за чего',
    grounds: 'Норма',
    subjects: 'Субъектов',
    categories: 'Что уничтожено, записей',
    events: 'Записей журнала событий',
    unconfirmed: 'из них без подтверждения',
    extractHash: 'SHA-256 выгрузки',
    previousHash: 'SHA-256 предыдущего акта',
    signatureKind: 'Вид',
    keptBy: 'Кто приложил',
    mediaType: 'Тип файла',
    bytes: 'Байт',
    sha256: 'SHA-256 файла',
  },
  messages: {
    empty_acts: 'Актов ещё нет. Акт составляет каждое удаление субъекта и каждая очистка, которая что-то уничтожила.',
    empty_actSignatures:
      'Подписанных экземпляров ещё нет. Распечатайте акт, подпишите и приложите скан или подпись на странице акта.',
  },
};

export const PAPER_WORDS = { en, ru };
