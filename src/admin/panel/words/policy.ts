/** Words of what customers have decided about their data, in both languages. */

const en = {
  labels: { domesticOnly: { yes: 'yes', no: 'no' } },
  actions: { changePrivacy: 'Change data settings' },
  properties: { domesticOnly: 'Nothing goes abroad' },
  messages: {
    explain_changePrivacy:
      'At the owner’s wish only. Effective for new requests within a second; a key or a request may be stricter.',
  },
};

const ru: typeof en = {
  labels: { domesticOnly: { yes: 'да', no: 'нет' } },
  actions: { changePrivacy: 'Изменить настройки данных' },
  properties: { domesticOnly: 'Ничего не передавать за рубеж' },
  messages: {
    explain_changePrivacy:
      'Только по желанию владельца. Подействует на новые запросы в течение секунды; ключ или запрос могут быть строже.',
  },
};

export const POLICY_WORDS = { en, ru };
