/** Words of acts of destruction and their signed copies, in both languages. */

const en = {
  labels: {
    acts: 'Acts of destruction',
    actSignatures: 'Signed copies of acts',
    actCopy: { signed: 'signed', unsigned: 'not signed yet' },
    signatureKind: { scan: 'scan of the signed paper', detached: 'detached electronic signature' },
  },
  actions: { keepSigned: 'Keep a signed copy' },
  properties: {
    destroyedAt: 'Destroyed',
    causeId: 'Because of',
    grounds: 'Norm',
    subjects: 'Subjects',
    actCopy: 'Signed copy',
    categories: 'What was destroyed, rows',
    events: 'Entries of the event log',
    unconfirmed: 'of these not confirmed',
    extractHash: 'SHA-256 of the extract',
    previousHash: 'SHA-256 of the act before',
    signatureKind: 'Kind',
    content: 'File (PDF, PNG, JPEG; or .p7s, .sig, .pem), 8 MiB at most',
    keptBy: 'Kept by',
    mediaType: 'Type of the file',
    bytes: 'Bytes',
    sha256: 'SHA-256 of the file',
  },
  messages: {
    files: 'Files',
    filesHelp: 'Who takes a file along is written into the audit log.',
    file_act_pdf: 'Act, PDF',
    file_act_json: 'Act, JSON',
    file_extract_pdf: 'Extract from the event log, PDF',
    file_extract_ndjson: 'Extract, all entries',
    file_copy: 'The file as it came',
    explain_keepSigned:
      'Print the act, have it signed and scan it; or choose the detached signature over the act’s PDF. The file is sealed and kept for three years.',
    error_body_too_large: 'The file is too large.',
    empty_acts: 'No act yet. One is drawn by every erasure, and by every run of the purge that destroyed something.',
    empty_actSignatures:
      'No signed copy yet. Print an act, have it signed, and keep the scan or the signature on the act’s page.',
  },
};

const ru: typeof en = {
  labels: {
    acts: 'Акты об уничтожении',
    actSignatures: 'Подписанные экземпляры актов',
    actCopy: { signed: 'подписан', unsigned: 'ещё не подписан' },
    signatureKind: { scan: 'скан подписанной бумаги', detached: 'отсоединённая электронная подпись' },
  },
  actions: { keepSigned: 'Приложить подписанный' },
  properties: {
    destroyedAt: 'Уничтожено',
    causeId: 'Из-за чего',
    grounds: 'Норма',
    subjects: 'Субъектов',
    actCopy: 'Подписанный экземпляр',
    categories: 'Что уничтожено, записей',
    events: 'Записей журнала событий',
    unconfirmed: 'из них без подтверждения',
    extractHash: 'SHA-256 выгрузки',
    previousHash: 'SHA-256 предыдущего акта',
    signatureKind: 'Вид',
    content: 'Файл (PDF, PNG, JPEG; или .p7s, .sig, .pem), не больше 8 МиБ',
    keptBy: 'Кто приложил',
    mediaType: 'Тип файла',
    bytes: 'Байт',
    sha256: 'SHA-256 файла',
  },
  messages: {
    files: 'Файлы',
    filesHelp: 'Кто забрал файл, записывается в журнал аудита.',
    file_act_pdf: 'Акт, PDF',
    file_act_json: 'Акт, JSON',
    file_extract_pdf: 'Выгрузка из журнала событий, PDF',
    file_extract_ndjson: 'Выгрузка, все записи',
    file_copy: 'Файл, каким он поступил',
    explain_keepSigned:
      'Распечатайте акт, подпишите и отсканируйте; либо выберите отсоединённую подпись PDF акта. Файл шифруется и хранится три года.',
    error_body_too_large: 'Файл слишком велик.',
    empty_acts: 'Актов ещё нет. Акт составляет каждое удаление субъекта и каждая очистка, которая что-то уничтожила.',
    empty_actSignatures:
      'Подписанных экземпляров ещё нет. Распечатайте акт, подпишите и приложите скан или подпись на странице акта.',
  },
};

export const PAPER_WORDS = { en, ru };
