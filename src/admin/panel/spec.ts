import type { Document, Filter as MongoFilter } from 'mongodb';
import type { Permission } from '../../auth/roles.ts';
import type { Config } from '../../config.ts';
import type { StaffRole } from '../../models/staff.ts';
import type { OperationName } from '../../operations/catalogue.ts';
import type { ContentCipher } from '../../privacy/content-key.ts';
import type { RetentionDefaults } from '../../privacy/retention-settings.ts';
import type { SharedRouteHealth } from '../../providers/route-health.ts';
import type { FailedJob, QueueState } from '../../queue/inspect.ts';

/**
 * How a collection is shown. Nothing of a document leaves the database but the paths of the fields named here, and
 * nothing of a field leaves the server but the text made of it, to roles that may see it.
 */

/** What a field may be searched by. `undefined`: not with this text. */
export type FieldFilter = (text: string) => MongoFilter<Document> | undefined | Promise<MongoFilter<Document>>;

export type PanelCipher = Pick<ContentCipher, 'open'>;

export type PanelField = {
  name: string;
  /** Members of the document that are read for it; its own name when left out. */
  paths?: readonly string[];
  /** `conversation`: messages of a ticket as JSON. `words`: a text in both languages as JSON. */
  type?: 'string' | 'datetime' | 'textarea' | 'lines' | 'conversation' | 'words';
  /** The text to show; `undefined` shows nothing. */
  value: (document: Document) => string | undefined;
  /** Of a sealed member: its text as the role may see it, opened for the record's own page only, never for lists. Rejects when the key is gone. */
  opened?: (document: Document, cipher: PanelCipher, role: StaffRole) => Promise<string>;
  /** The collection this is an id of. */
  reference?: string;
  filter?: FieldFilter;
  /** A filter over time: the document's members between two moments. */
  between?: (from: Date | undefined, to: Date | undefined) => MongoFilter<Document>;
  /** An index finds what is searched by this field. */
  isIndexed?: boolean;
  /** What the field can be, for choosing in filters. */
  choices?: readonly string[];
  /** Roles without it do not get the field. */
  permission?: Permission;
  /** Read but not shown: an id that another field shows as people write it. */
  isHidden?: boolean;
  /** In lists, which have room for few. */
  listed?: boolean;
};

/** A field of the form of a command. */
export type CommandField = {
  name: string;
  isOptional?: boolean;
  /** The field of the record whose text stands in it when the form is opened. */
  filledFrom?: string;
  /** `kept`: not typed by anybody; the text it is filled from goes back as it was when the form was opened. */
  /** `preview`: not typed by anybody; what a refusal told is sent back by whoever has seen it. */
  /** `file`: goes as the body of the request; a command has one at most. */
  kind:
    | 'file'
    | 'text'
    | 'secret'
    | 'letter'
    | 'word'
    | 'number'
    | 'email'
    | 'choice'
    | 'rubles'
    | 'moment'
    | 'kept'
    | 'preview';
  choices?: readonly string[];
};

export type PanelCommand = {
  /** Name of the action in the panel. */
  action: string;
  operation: OperationName;
  icon: string;
  fields: readonly CommandField[];
  /** Offered only for records that look like this. The command itself decides whether it can be done. */
  when?: (texts: Readonly<Record<string, unknown>>) => boolean;
  isDangerous?: boolean;
  /** Message that explains it; `explain_<action>` when left out. */
  explanation?: string;
};

/** What is known without the database. What is read of the queues rejects when Redis does not answer in time. */
export type PanelFacts = {
  /** Of the configuration of this process. */
  retentionDefaults: RetentionDefaults;
  settings: Config['settings'];
  queues: () => Promise<QueueState[]>;
  failedJobs: () => Promise<FailedJob[]>;
  routeHealth: () => Promise<SharedRouteHealth[]>;
};

export type PanelSpec = {
  id: string;
  /** Where its documents are: a collection, or what makes them, all of them at once. */
  collection: string | ((facts: PanelFacts) => Promise<Document[]> | Document[]);
  icon: string;
  permission: Permission;
  /** The field that stands for the record. */
  title: string;
  fields: readonly PanelField[];
  /** Commands about one record. */
  commands?: readonly PanelCommand[];
  /** Commands about none. */
  collectionCommands?: readonly PanelCommand[];
  /** A collection that grows without end: what no index finds is looked for among so many of the newest only. */
  scanMax?: number;
  /** Within the records of one of these, in this order instead of the ids'; upwards or downwards always, where `direction` says so. */
  ordered?: { within: string; by: string; direction?: 1 | -1 };
  /** Ids of another collection's documents that name these (by `by`), read for each record under a name of its own. */
  joined?: { collection: string; by: string; as: string };
  /** The field that says what has to be done next: a record's page begins with it, and with `help_<field>_<value>`. */
  nextStep?: string;
  /** Moments of a record's life, shown as steps; names of fields. */
  steps?: readonly string[];
  /** Collections whose records belong to one of these, and the field there that holds its id (or what `by` names). */
  related?: readonly { resourceId: string; filter: string; by?: string }[];
  /** What can be taken along of a record; each by a command, which is written down. */
  files?: readonly { name: string; operation: OperationName }[];
  /** Fields whose lines name those of the files that the record has. All of them when left out. */
  filesFields?: readonly string[];
  /** Ids are numbers. */
  hasNumericId?: boolean;
};

/** Small enough for a search to be over in a moment. */
export const SCAN_MAX = 10_000;

export const REASON: CommandField = { name: 'reason', kind: 'text' };
/** The version of the record that was seen; what is newer is not written over. */
export const SEEN_VERSION: CommandField = { name: 'version', kind: 'kept', filledFrom: 'version' };
export const RUBLES: CommandField = { name: 'rubles', kind: 'rubles' };
