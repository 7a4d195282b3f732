/** Words of the queues on the overview, in both languages. */

const none = { labels: {}, actions: {}, properties: {} };

const en = {
  ...none,
  messages: {
    queues: 'Queues',
    queue: 'Queue',
    waiting: 'Waiting',
    active: 'Running',
    delayed: 'Later',
    failed: 'Failed, kept',
    oldestWaiting: 'Oldest waits',
    queuesAway: 'Redis does not answer; the queues cannot be shown. What was accepted is safe in the database.',
    queue_interactive: 'requests of waiting clients',
    queue_background: 'asynchronous requests',
    queue_webhooks: 'webhook deliveries',
    queue_maintenance: 'maintenance',
    schedules: 'Periodic work, last through',
    schedule_retention: 'Retention (every night)',
    schedule_rollups: 'Counting of requests for charts',
    schedule_reconcile_accounts: 'Reconciliation: accounts',
    schedule_reconcile_segments: 'Reconciliation: ledger rows',
    schedule_reconcile_requests: 'Reconciliation: requests',
    schedule_reconcile_entries: 'Reconciliation: charges',
  },
};

const ru: typeof en = {
  ...none,
  messages: {
    queues: 'Очереди',
    queue: 'Очередь',
    waiting: 'Ждут',
    active: 'Выполняются',
    delayed: 'Отложены',
    failed: 'Не удались, хранятся',
    oldestWaiting: 'Дольше всех ждёт',
    queuesAway: 'Redis не отвечает, очереди показать нельзя. Принятое цело в базе данных.',
    queue_interactive: 'запросы ждущих клиентов',
    queue_background: 'асинхронные запросы',
    queue_webhooks: 'доставка вебхуков',
    queue_maintenance: 'обслуживание',
    schedules: 'Периодическая работа, завершена в последний раз',
    schedule_retention: 'Удаление по срокам (каждую ночь)',
    schedule_rollups: 'Подсчёт запросов для графиков',
    schedule_reconcile_accounts: 'Сверка: аккаунты',
    schedule_reconcile_segments: 'Сверка: записи журнала операций',
    schedule_reconcile_requests: 'Сверка: запросы',
    schedule_reconcile_entries: 'Сверка: списания',
  },
};

export const QUEUE_WORDS = { en, ru };
