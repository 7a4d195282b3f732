/** Words of the tools of the audit log, in both languages. */

const none = { labels: {}, actions: {}, properties: {} };

const en = {
  ...none,
  messages: {
    auditHelp: 'Every entry carries a hash over itself and the entry before it. The check reads the whole log.',
    auditGood: 'The log is whole.',
    auditBroken: 'The log was changed, first at entry',
    auditEntries: 'Entries',
    auditHead: 'Last hash',
    auditKeep: 'Keep the number and the hash elsewhere: against them a cut-off end shows.',
    exportHelp: 'The newest 200 000 entries as a table for spreadsheets. The export itself is written into the log.',
  },
};

const ru: typeof en = {
  ...none,
  messages: {
    auditHelp: 'В каждой записи есть хеш её самой и предыдущей. Проверка читает журнал целиком.',
    auditGood: 'Журнал цел.',
    auditBroken: 'Журнал изменён, впервые в записи',
    auditEntries: 'Записей',
    auditHead: 'Последний хеш',
    auditKeep: 'Храните номер и хеш в другом месте: по ним видно, если конец отрезан.',
    exportHelp: 'Последние 200 000 записей таблицей. Сама выгрузка тоже попадёт в журнал.',
  },
};

export const AUDIT_WORDS = { en, ru };
