/** Words of the settings, in both languages. */

const en = {
  labels: {
    settings: 'Settings',
    group: {
      limits: 'limits',
      timers: 'timers',
      providers: 'providers and models',
      rates: 'rates',
      webhooks: 'webhooks',
      workers: 'workers',
      keeping: 'keeping and backups',
      support: 'support',
      money: 'money',
      staff: 'staff',
    },
    source: {
      environment: 'environment, restart',
      built_in: 'new build',
      back_office: 'here, at once',
    },
  },
  actions: {},
  properties: {
    affects: 'What it affects',
    group: 'Subject',
    current: 'Value',
    fallback: 'Unless it was set',
    min: 'At least',
    max: 'At most',
    source: 'Changed by',
  },
  messages: {},
};

const ru: typeof en = {
  labels: {
    settings: 'Настройки',
    group: {
      limits: 'пределы',
      timers: 'сроки работы',
      providers: 'провайдеры и модели',
      rates: 'частота обращений',
      webhooks: 'вебхуки',
      workers: 'обработчики',
      keeping: 'хранение и копии',
      support: 'поддержка',
      money: 'деньги',
      staff: 'сотрудники',
    },
    source: {
      environment: 'окружение, перезапуск',
      built_in: 'новая сборка',
      back_office: 'здесь, сразу',
    },
  },
  actions: {},
  properties: {
    affects: 'На что влияет',
    group: 'О чём',
    current: 'Значение',
    fallback: 'Если не задано',
    min: 'Не меньше',
    max: 'Не больше',
    source: 'Как изменить',
  },
  messages: {},
};

export const SETTING_WORDS = { en, ru };
