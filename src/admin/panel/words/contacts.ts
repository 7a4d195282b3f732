/** Words of who owns an account, in both languages. */

const en = {
  labels: { language: { ru: 'Russian', en: 'English' } },
  actions: { findAccount: 'Find by e-mail', changeContact: 'Change the owner’s e-mail' },
  properties: { ownerEmail: 'Owner’s e-mail', language: 'Language' },
  messages: {
    explain_findAccount:
      'The whole address of the owner. The search is written into the audit log, the address is not.',
    explain_changeContact: 'Where we write to the owner, and in which language. The address is kept sealed.',
    foundNone: 'No account has this address.',
  },
};

const ru: typeof en = {
  labels: { language: { ru: 'русский', en: 'английский' } },
  actions: { findAccount: 'Найти по адресу почты', changeContact: 'Изменить почту владельца' },
  properties: { ownerEmail: 'Почта владельца', language: 'Язык' },
  messages: {
    explain_findAccount: 'Полный адрес владельца. Поиск записывается в журнал действий, адрес — нет.',
    explain_changeContact: 'Куда и на каком языке писать владельцу. Адрес хранится зашифрованным.',
    foundNone: 'Нет аккаунта с таким адресом.',
  },
};

export const CONTACT_WORDS = { en, ru };
