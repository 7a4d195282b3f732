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
  },
};

export const QUEUE_WORDS = { en, ru };
