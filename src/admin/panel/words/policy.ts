/** Words of what customers were promised and have decided about their data, in both languages. */

const en = {
  labels: {
    domesticOnly: { yes: 'yes', no: 'no' },
    policyVersions: 'Versions of the policy',
    policyAcceptances: 'Acceptances of the policy',
    consentDocuments: 'Texts of consents',
    consents: 'Consents',
    consentState: { inForce: 'in force', withdrawn: 'withdrawn' },
  },
  actions: {
    changePrivacy: 'Change data settings',
    publishPolicy: 'Publish a version',
    publishConsent: 'Publish a text',
    withdrawConsent: 'Withdraw a consent',
  },
  properties: {
    domesticOnly: 'Nothing goes abroad',
    effectiveAt: 'In force from',
    consentPurpose: 'Purpose',
    consentState: 'State',
    givenAt: 'Given',
    shownIn: 'Shown in',
    withdrawnAt: 'Withdrawn',
    withdrawnBy: 'Withdrawn by',
  },
  messages: {
    explain_changePrivacy:
      'At the owner’s wish only. Effective for new requests within a second; a key or a request may be stricter.',
    explain_publishPolicy:
      'The text is made of the terms, providers and operator as they are now, and cannot be changed afterwards. It is in force from the moment you give.',
    explain_publishConsent:
      'The purpose is a word such as news. Who consented to an earlier text of this purpose has not consented to this one.',
    explain_withdrawConsent: 'For an owner who wrote a letter. The purpose is the word on the consent’s page.',
    empty_policyVersions:
      'No version is published: /privacy shows a draft. Fill in OPERATOR_NAME and the others, then press “Publish a version”.',
    empty_policyAcceptances: 'Nobody has accepted a version. Account owners do it by POST /v1/account/policy.',
    empty_consentDocuments:
      'No consent is asked for. The service needs none; for another purpose, press “Publish a text”.',
    empty_consents: 'Nobody has given a consent. Account owners do it by PUT /v1/account/consents/<purpose>.',
  },
};

const ru: typeof en = {
  labels: {
    domesticOnly: { yes: 'да', no: 'нет' },
    policyVersions: 'Версии политики',
    policyAcceptances: 'Принятия политики',
    consentDocuments: 'Тексты согласий',
    consents: 'Согласия',
    consentState: { inForce: 'действует', withdrawn: 'отозвано' },
  },
  actions: {
    changePrivacy: 'Изменить настройки данных',
    publishPolicy: 'Опубликовать версию',
    publishConsent: 'Опубликовать текст',
    withdrawConsent: 'Отозвать согласие',
  },
  properties: {
    domesticOnly: 'Ничего не передавать за рубеж',
    effectiveAt: 'Действует с',
    consentPurpose: 'Цель',
    consentState: 'Состояние',
    givenAt: 'Дано',
    shownIn: 'На каком языке показано',
    withdrawnAt: 'Отозвано',
    withdrawnBy: 'Кто отозвал',
  },
  messages: {
    explain_changePrivacy:
      'Только по желанию владельца. Подействует на новые запросы в течение секунды; ключ или запрос могут быть строже.',
    explain_publishPolicy:
      'Текст составляется из нынешних сроков, провайдеров и сведений об операторе, потом его не изменить. Действует с указанного времени.',
    explain_publishConsent:
      'Цель — слово латиницей, например news. Кто согласился с прежним текстом этой цели, с новым ещё не соглашался.',
    explain_withdrawConsent: 'Для владельца, приславшего письмо. Цель — слово со страницы согласия.',
    empty_policyVersions:
      'Ни одной версии не опубликовано: /privacy показывает проект. Заполните OPERATOR_NAME и остальное, затем нажмите «Опубликовать версию».',
    empty_policyAcceptances:
      'Политику ещё никто не принял. Владельцы аккаунтов делают это через POST /v1/account/policy.',
    empty_consentDocuments:
      'Согласий не запрашивается. Сервису они не нужны; для другой цели нажмите «Опубликовать текст».',
    empty_consents: 'Согласий ещё никто не дал. Владельцы аккаунтов дают их через PUT /v1/account/consents/<цель>.',
  },
};

export const POLICY_WORDS = { en, ru };
