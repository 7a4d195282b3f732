/** Words of the production calendar, in both languages. */

const en = {
  labels: { productionCalendars: 'Production calendar' },
  actions: { enterYear: 'Enter a year' },
  properties: {
    year: 'Year',
    off: 'Days off, Monday to Friday',
    working: 'Working weekends',
    decree: 'Decree',
    enteredBy: 'Entered by',
    enteredAt: 'Entered',
  },
  messages: {
    missingYears: 'Years without a production calendar: dates are provisional',
    empty_productionCalendars: 'No year was entered. 2025 and 2026 are part of the product.',
    explain_enterYear:
      'A year of the official production calendar, with the decree that it is from. Days are month and day, such as 01-01 05-11: those off from Monday to Friday, and Saturdays and Sundays that are worked. 2025 and 2026 are part of the product; entered again, yours holds. The terms of all open requests are counted anew, and the change stands in their history.',
  },
};

const ru: typeof en = {
  labels: { productionCalendars: 'Рабочий календарь' },
  actions: { enterYear: 'Внести год' },
  properties: {
    year: 'Год',
    off: 'Выходные с понедельника по пятницу',
    working: 'Рабочие выходные',
    decree: 'Постановление',
    enteredBy: 'Кто внёс',
    enteredAt: 'Внесено',
  },
  messages: {
    missingYears: 'Лет без производственного календаря: сроки предварительные',
    empty_productionCalendars: 'Ни один год не внесён. 2025 и 2026 входят в продукт.',
    explain_enterYear:
      'Год официального производственного календаря и постановление, из которого он взят. Дни пишутся как месяц-день, например 01-01 05-11: нерабочие с понедельника по пятницу и рабочие субботы и воскресенья. 2025 и 2026 входят в продукт; внесённый год важнее. Сроки всех открытых запросов пересчитываются, изменение видно в их истории.',
  },
};

export const CALENDAR_WORDS = { en, ru };
