import { type Announced, Announcements } from './announcements.ts';
import { type QueueState, Queues, type Schedule, Schedules } from './queues.ts';
import { Traffic, type TrafficFacts } from './traffic.ts';
import {
  ask,
  Box,
  createElement,
  type Element,
  H3,
  H4,
  Icon,
  page,
  type ResourceJson,
  Text,
  useEffect,
  useSession,
  useState,
} from './window.ts';
import { momentText } from './written.ts';

/** The first page: who one is here, what needs a look, and where to go. */

type Figure = { name: string; count: number; isAlarming: boolean; href?: string };
type Books = { agree: boolean; checkedAt?: string };
type Facts = {
  announcements: Announced[];
  countMax: number;
  figures: Figure[];
  books?: Books;
  queues?: QueueState[] | null;
  schedules?: Schedule[];
  traffic?: TrafficFacts;
};

const CARD = {
  bg: 'white',
  p: 'xl',
  flex: true,
  flexDirection: 'column',
  style: { borderRadius: 12, textDecoration: 'none' },
};
const GRID = { style: { display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(220px, 1fr))', gap: 16 } };

function FigureCard({ figure, countMax }: { figure: Figure; countMax: number }): Element {
  const { translateMessage } = page.AdminJS.useTranslation();
  const { name, count, isAlarming, href } = figure;
  const link = href === undefined ? {} : { as: page.ReactRouterDOM.Link, to: `/admin/resources/${href}` };
  return createElement(
    Box,
    { ...CARD, ...link, 'data-figure': name },
    createElement(
      H3,
      { mb: 'default', style: { color: isAlarming ? '#b91c1c' : '#1c1917' } },
      `${count}${count >= countMax ? '+' : ''}`,
    ),
    createElement(Text, { color: 'grey80' }, translateMessage(name)),
  );
}

/** Whether the books agree: the first thing to know about the money. */
function Banner({ books }: { books: Books }): Element {
  const { translateMessage, i18n } = page.AdminJS.useTranslation();
  const { agree, checkedAt } = books;
  const at = checkedAt ? momentText(checkedAt, i18n.language) : translateMessage('never');
  const [color, background] = agree ? ['#166534', '#dcfce7'] : ['#991b1b', '#fee2e2'];
  const style = { color, background, borderRadius: 12, textDecoration: 'none', lineHeight: 1.5, display: 'block' };
  return createElement(
    Box,
    {
      p: 'lg',
      mb: 'xl',
      style,
      as: page.ReactRouterDOM.Link,
      to: '/admin/resources/alerts',
      'data-books': String(agree),
    },
    createElement('b', null, translateMessage(agree ? 'booksAgree' : 'booksDiffer')),
    ` ${translateMessage('lastCheck')} ${at}`,
  );
}

function ResourceCard({ resource }: { resource: ResourceJson }): Element {
  const { translateLabel } = page.AdminJS.useTranslation();
  return createElement(
    Box,
    { ...CARD, flexDirection: 'row', alignItems: 'center', as: page.ReactRouterDOM.Link, to: resource.href },
    createElement(Icon, { icon: resource.navigation?.icon, color: 'primary100', mr: 'lg' }),
    createElement(Text, { color: 'grey100' }, translateLabel(resource.id)),
  );
}

export function Dashboard(): Element {
  const session = useSession();
  const resources = page.ReactRedux.useSelector((state) => state.resources);
  const { translateMessage } = page.AdminJS.useTranslation();
  const [facts, setFacts] = useState<Facts | undefined>(undefined);
  const [range, setRange] = useState('day');
  useEffect(() => {
    ask(`dashboard?range=${range}`, session).then(
      ({ status, body }) => status === 200 && setFacts(body as unknown as Facts),
      () => undefined,
    );
    return undefined;
  }, [range]);
  return createElement(
    Box,
    { variant: 'grey', p: 'xxl' },
    createElement(H3, { mb: 'default' }, translateMessage('welcome')),
    createElement(Text, { mb: 'xxl', color: 'grey80' }, translateMessage(`role_${session.role}`)),
    facts && createElement(Announcements, { announcements: facts.announcements }),
    facts?.books && createElement(Banner, { books: facts.books }),
    facts &&
      createElement(
        Box,
        { ...GRID, mb: 'xxl' },
        ...facts.figures.map((figure) =>
          createElement(FigureCard, { key: figure.name, figure, countMax: facts.countMax }),
        ),
      ),
    facts?.traffic && createElement(Traffic, { facts: facts.traffic, choose: setRange }),
    facts?.queues !== undefined && createElement(Queues, { queues: facts.queues }),
    facts?.schedules && createElement(Schedules, { schedules: facts.schedules }),
    createElement(H4, { mb: 'lg' }, translateMessage('whereToGo')),
    createElement(
      Box,
      GRID,
      ...resources.map((resource) => createElement(ResourceCard, { key: resource.id, resource })),
    ),
  );
}
