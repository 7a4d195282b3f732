/** Words of what is sold, where it goes and what it costs, in both languages. */

const en = {
  labels: {
    proposals: 'Price proposals',
    routes: 'Routes',
    breakerState: {
      idle: 'no calls lately',
      closed: 'closed: calls go',
      half_open: 'half open: one call tries',
      open: 'open: no calls',
    },
    proposalState: { proposed: 'awaits a second person', approved: 'approved', rejected: 'rejected' },
  },
  actions: {
    enable: 'Turn on',
    disable: 'Turn off',
    route: 'Change a route',
    weigh: 'Set the weight of a route',
    propose: 'Propose a price',
    approvePrice: 'Approve',
    rejectPrice: 'Reject',
    setKey: 'Set the key',
    removeKey: 'Remove the key',
  },
  properties: {
    route: 'Route',
    providerId: 'Provider',
    country: 'Country (ISO 3166-1)',
    routePlace: 'Place (smallest first)',
    weight: 'Weight (0 to 100)',
    breakerState: 'Breaker',
    breakerSince: 'Since',
    recentErrors: 'Errors of 5 minutes',
    inState: 'Workers in this state',
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
    explain_weigh:
      'Routes of a model share its first calls by their weights; when a call fails before its first byte, the others follow in their places. 0 takes no first calls; with 0 everywhere the places alone decide. Takes effect within a few seconds.',
    explain_propose:
      'Rubles for a million tokens. What is left empty costs what its class costs. Somebody else has to approve it before it begins.',
    explain_approvePrice: 'The price becomes a new version and holds from its moment on. Running requests keep theirs.',
    explain_rejectPrice: 'The price never becomes valid. You may take back your own proposal, too.',
  },
};

const ru: typeof en = {
  labels: {
    proposals: 'Предложения цен',
    routes: 'Маршруты',
    breakerState: {
      idle: 'вызовов не было',
      closed: 'замкнут: вызовы идут',
      half_open: 'полуоткрыт: пробный вызов',
      open: 'разомкнут: вызовов нет',
    },
    proposalState: { proposed: 'ждёт второго человека', approved: 'одобрена', rejected: 'отклонена' },
  },
  actions: {
    enable: 'Включить',
    disable: 'Отключить',
    route: 'Изменить маршрут',
    weigh: 'Задать вес маршрута',
    propose: 'Предложить цену',
    approvePrice: 'Одобрить',
    rejectPrice: 'Отклонить',
    setKey: 'Задать ключ',
    removeKey: 'Убрать ключ',
  },
  properties: {
    route: 'Маршрут',
    providerId: 'Провайдер',
    country: 'Страна (ISO 3166-1)',
    routePlace: 'Место (с меньшего)',
    weight: 'Вес (0–100)',
    breakerState: 'Предохранитель',
    breakerSince: 'С момента',
    recentErrors: 'Ошибки за 5 минут',
    inState: 'Воркеров в этом состоянии',
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
    explain_weigh:
      'Маршруты модели делят первые вызовы по весам; если вызов не удался до первого байта, остальные идут по местам. 0 — первых вызовов не получает; если 0 у всех, решают только места. Подействует в течение нескольких секунд.',
    explain_propose:
      'Рублей за миллион токенов. Что не заполнено, стоит столько же, сколько его вид. Одобрить должен другой человек, пока цена не началась.',
    explain_approvePrice:
      'Цена станет новой версией и действует со своего момента. У начатых запросов остаётся прежняя.',
    explain_rejectPrice: 'Цена никогда не вступит в силу. Своё предложение тоже можно отозвать.',
  },
};

export const ROUTING_WORDS = { en, ru };
