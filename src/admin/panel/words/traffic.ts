/** Words of the charts on the first page, and of holds, keys and requests, in both languages. */

const en = {
  actions: { enableWebhook: 'Switch webhooks on' },
  labels: { webhookAddress: { yes: 'yes', no: 'no' } },
  properties: {
    priceVersion: 'Version of the price',
    timeline: 'What has happened (newest 50)',
    heldFor: 'Held for (request, amount, until)',
    webhookAddress: 'Webhook address set',
    webhookDisabledAt: 'Webhooks off since',
  },
  messages: {
    explain_enableWebhook:
      'The next events of this key go to its address again. Deliveries that were stopped can be sent again one by one; of requests that ended meanwhile there are none.',
    range_day: '24 hours',
    range_week: '7 days',
    range_month: '30 days',
    chart_requests: 'Requests',
    chart_failed: 'Failed requests',
    chart_tokens: 'Tokens',
    chart_rubles: 'Revenue',
    total_requests: 'requests',
    total_failed: 'failed',
    total_tokens: 'tokens',
    total_p50: 'half are done within',
    total_p95: '95 % are done within',
    total_revenue: 'revenue',
    traffic_models: 'Top models',
    traffic_accounts: 'Top accounts',
    beingRanked: 'Being added up. Choose the time once more in a moment.',
    traffic_providers: 'Providers: calls that went well',
    traffic_failures: 'Most frequent errors',
    trafficEmpty:
      'No requests in this time. A request appears here about a minute after it was accepted, counted by the workers; if there were requests, see whether the workers run.',
    countedUpTo: 'Counted up to',
    openHolds: 'Open holds',
    dueRequests: 'Data subjects’ requests due within a week',
  },
};

const ru: typeof en = {
  actions: { enableWebhook: 'Включить вебхуки' },
  labels: { webhookAddress: { yes: 'да', no: 'нет' } },
  properties: {
    priceVersion: 'Версия цены',
    timeline: 'Что происходило (последние 50)',
    heldFor: 'Резервы (запрос, сумма, до)',
    webhookAddress: 'Адрес вебхука задан',
    webhookDisabledAt: 'Вебхуки выключены с',
  },
  messages: {
    explain_enableWebhook:
      'Следующие события этого ключа снова пойдут на его адрес. Остановленные доставки можно отправить снова по одной; у запросов, завершённых за это время, доставок нет.',
    range_day: '24 часа',
    range_week: '7 дней',
    range_month: '30 дней',
    chart_requests: 'Запросы',
    chart_failed: 'Неудачные запросы',
    chart_tokens: 'Токены',
    chart_rubles: 'Выручка',
    total_requests: 'запросов',
    total_failed: 'неудачных',
    total_tokens: 'токенов',
    total_p50: 'за столько готова половина',
    total_p95: 'за столько готовы 95 %',
    total_revenue: 'выручка',
    traffic_models: 'Главные модели',
    traffic_accounts: 'Главные аккаунты',
    beingRanked: 'Подсчитывается. Выберите период ещё раз через несколько секунд.',
    traffic_providers: 'Провайдеры: удачных вызовов',
    traffic_failures: 'Самые частые ошибки',
    trafficEmpty:
      'За это время запросов не было. Запрос появляется здесь примерно через минуту после приёма, считают воркеры; если запросы были, проверьте, работают ли воркеры.',
    countedUpTo: 'Посчитано до',
    openHolds: 'Открытых резервов',
    dueRequests: 'Обращений субъектов со сроком в течение недели',
  },
};

export const TRAFFIC_WORDS = { en, ru };
