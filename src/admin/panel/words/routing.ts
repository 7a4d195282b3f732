/** Words of what is sold, where it goes and what it costs, in both languages. */

const en = {
  labels: {
    proposals: 'Price proposals',
    proposalState: { proposed: 'awaits a second person', approved: 'approved', rejected: 'rejected' },
  },
  actions: {
    enable: 'Turn on',
    disable: 'Turn off',
    route: 'Change a route',
    propose: 'Propose a price',
    approvePrice: 'Approve',
    rejectPrice: 'Reject',
    setKey: 'Set the key',
    removeKey: 'Remove the key',
  },
  properties: {
    route: 'Route',
    country: 'Country (ISO 3166-1)',
    priority: 'Place (the smallest is tried first)',
    proposalState: 'State',
    apiKey: 'Key of the provider',
    apiKeyEnd: 'Key set here',
  },
  messages: {
    explain_enable: 'Takes effect everywhere within a few seconds.',
    explain_turnOff: 'New requests get no answer from it within a few seconds; what runs is finished.',
    explain_setKey:
      'Used within a few seconds instead of the one in the configuration. Nobody can read it here again but for its end.',
    explain_removeKey:
      'Within a few seconds the key of the configuration is used; without one, nothing is sent to this provider.',
    explain_route: 'The route is one of those that the model lists. Takes effect within a few seconds.',
    explain_propose:
      'Rubles for a million tokens. What is left empty costs what its class costs. Somebody else has to approve it before it begins.',
    explain_approvePrice: 'The price becomes a new version and holds from its moment on. Running requests keep theirs.',
    explain_rejectPrice: 'The price never becomes valid. You may take back your own proposal, too.',
  },
};

const ru: typeof en = {
  labels: {
    proposals: 'Предложения цен',
    proposalState: { proposed: 'ждёт второго человека', approved: 'одобрена', rejected: 'отклонена' },
  },
  actions: {
    enable: 'Включить',
    disable: 'Отключить',
    route: 'Изменить маршрут',
    propose: 'Предложить цену',
    approvePrice: 'Одобрить',
    rejectPrice: 'Отклонить',
    setKey: 'Задать ключ',
    removeKey: 'Убрать ключ',
  },
  properties: {
    route: 'Маршрут',
    country: 'Страна (ISO 3166-1)',
    priority: 'Место (с меньшего пробуют первым)',
    proposalState: 'Состояние',
    apiKey: 'Ключ провайдера',
    apiKeyEnd: 'Заданный здесь ключ',
  },
  messages: {
    explain_enable: 'Подействует везде в течение нескольких секунд.',
    explain_turnOff: 'Через несколько секунд новые запросы туда не пойдут; уже начатые будут закончены.',
    explain_setKey:
      'Через несколько секунд заменит ключ из конфигурации. Прочитать его здесь больше нельзя, видно только окончание.',
    explain_removeKey:
      'Через несколько секунд будет использован ключ из конфигурации; без него провайдеру ничего не отправляется.',
    explain_route: 'Маршрут — один из перечисленных у модели. Подействует в течение нескольких секунд.',
    explain_propose:
      'Рублей за миллион токенов. Что не заполнено, стоит столько же, сколько его вид. Одобрить должен другой человек, пока цена не началась.',
    explain_approvePrice:
      'Цена станет новой версией и действует со своего момента. У начатых запросов остаётся прежняя.',
    explain_rejectPrice: 'Цена никогда не вступит в силу. Своё предложение тоже можно отозвать.',
  },
};

export const ROUTING_WORDS = { en, ru };
