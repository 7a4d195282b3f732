/** Words of what is sold, where it goes and what it costs, in both languages. */

/** Names of members of the upstream's body. */
const MAX_TOKENS_PARAMS = { max_tokens: 'max_tokens', max_completion_tokens: 'max_completion_tokens' };

const en = {
  labels: {
    proposals: 'Price proposals',
    routes: 'Routes',
    offer: {
      offered: 'offered to customers',
      off: 'switched off',
      unpriced: 'no price in force',
      unrouted: 'no route that is on',
    },
    maxTokensParam: MAX_TOKENS_PARAMS,
    noStreamOptions: { yes: 'yes', no: 'no' },
    reasoningOutsideCompletion: { yes: 'yes', no: 'no' },
    routeOn: { yes: 'yes', no: 'no' },
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
    createModel: 'Create a model',
    changeModel: 'Change',
    addRoute: 'Add a route',
    rewriteRoute: 'Change',
    removeRoute: 'Remove',
    createProvider: 'Create a provider',
    changeProvider: 'Change',
    route: 'Turn a route on or off',
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
    offer: 'Offer',
    headers: 'Headers to set (name: value) or take away (name:)',
    headerNames: 'Headers of every call',
    maxTokensParam: "Provider's name of the output limit",
    noStreamOptions: 'Refuses stream_options',
    reasoningOutsideCompletion: 'Reasoning comes on top of the output',
    dropParams: 'Members to leave out, by commas',
    routeOn: 'Route on',
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
    help_offer_offered:
      'It is on, has a price in force and a route that is on. A provider that needs a key has to have one.',
    help_offer_off: 'It has a price and a route. Customers can call it when it is turned on.',
    help_offer_unpriced:
      'Nobody can call it until a price is in force: finance proposes one among the prices, an admin approves it, and it begins at its moment.',
    help_offer_unrouted: 'Nobody can call it until it has a route that is on, to a provider that is on. Add one above.',
    explain_createModel:
      'It begins switched off and without routes. Add a route, have a price approved, then turn it on. Its id stays as it is.',
    explain_changeModel:
      'New requests have these limits within a few seconds; requests that are accepted keep their price and what is reserved.',
    explain_addRoute:
      'Its id is new among the routes of all models. A country is stated only where it differs from the provider’s, by an admin. Takes effect within a few seconds.',
    explain_rewriteRoute:
      'New calls go like this within a few seconds; calls under way go on as they began. What country a route states is for an admin to change.',
    explain_removeRoute: 'Only a route by which no request has gone. Any other stays here, switched off.',
    explain_createProvider:
      'It begins switched off. Its address is https with a public name. Customers’ texts and the provider’s key go there; the privacy policy names its country: publish a new version before you turn it on.',
    explain_changeProvider:
      'New calls, with the provider’s key, go to this address within a few seconds. After a change of the country publish a new version of the privacy policy.',
    error_stale: 'Somebody changed it meanwhile. Open it again and look at what is there now.',
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
    offer: {
      offered: 'доступна клиентам',
      off: 'отключена',
      unpriced: 'нет действующей цены',
      unrouted: 'нет включённого маршрута',
    },
    maxTokensParam: MAX_TOKENS_PARAMS,
    noStreamOptions: { yes: 'да', no: 'нет' },
    reasoningOutsideCompletion: { yes: 'да', no: 'нет' },
    routeOn: { yes: 'да', no: 'нет' },
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
    createModel: 'Создать модель',
    changeModel: 'Изменить',
    addRoute: 'Добавить маршрут',
    rewriteRoute: 'Изменить',
    removeRoute: 'Убрать',
    createProvider: 'Создать провайдера',
    changeProvider: 'Изменить',
    route: 'Включить или отключить маршрут',
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
    offer: 'Предложение',
    headers: 'Заголовки: задать (имя: значение) или убрать (имя:)',
    headerNames: 'Заголовки каждого вызова',
    maxTokensParam: 'Как провайдер называет предел ответа',
    noStreamOptions: 'Не принимает stream_options',
    reasoningOutsideCompletion: 'Рассуждение сверх ответа',
    dropParams: 'Что не передавать, через запятую',
    routeOn: 'Маршрут включён',
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
    help_offer_offered:
      'Включена, есть действующая цена и включённый маршрут. Если провайдеру нужен ключ, он должен быть задан.',
    help_offer_off: 'Цена и маршрут есть. Клиенты смогут её вызывать, когда она будет включена.',
    help_offer_unpriced:
      'Вызвать её нельзя, пока нет действующей цены: финансы предлагают её в ценах, администратор одобряет, и она начинает действовать в свой момент.',
    help_offer_unrouted:
      'Вызвать её нельзя, пока нет включённого маршрута к включённому провайдеру. Добавьте его кнопкой выше.',
    explain_createModel:
      'Сначала она отключена и без маршрутов. Добавьте маршрут, дождитесь одобрения цены и включите. Идентификатор потом не меняется.',
    explain_changeModel:
      'Новые запросы получат эти пределы через несколько секунд; у принятых остаются их цена и резерв.',
    explain_addRoute:
      'Идентификатор — новый среди маршрутов всех моделей. Страну указывает администратор и только если она не та, что у провайдера. Подействует в течение нескольких секунд.',
    explain_rewriteRoute:
      'Новые вызовы пойдут так через несколько секунд; начатые продолжатся как начались. Страну маршрута меняет администратор.',
    explain_removeRoute: 'Только маршрут, по которому не шёл ни один запрос. Любой другой остаётся здесь отключённым.',
    explain_createProvider:
      'Сначала он отключён. Адрес — https с публичным именем. Туда идут тексты клиентов и ключ провайдера; страну называет политика конфиденциальности: опубликуйте новую версию, прежде чем включать.',
    explain_changeProvider:
      'Новые вызовы с ключом провайдера пойдут по этому адресу через несколько секунд. После смены страны опубликуйте новую версию политики конфиденциальности.',
    error_stale: 'Пока форма была открыта, это изменили. Откройте снова и посмотрите, что там теперь.',
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
