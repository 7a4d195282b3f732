import { model, Schema } from 'mongoose';
import type { ClassId } from './retention-class.ts';

export const RUN_STATES = ['running', 'done', 'stopped', 'failed'] as const;

/** What one run did about one class. `refused`: the setting is outside the registry's bounds. */
export type ClassReport = {
  classId: ClassId;
  outcome: 'done' | 'stopped' | 'refused' | 'failed';
  /** Rows from before this are removed. */
  before?: Date;
  removed: number;
  /** Left because their account is under a legal hold. */
  held: number;
  /** Left because something still needs them. */
  spared: number;
  ms: number;
};

/** One run of the retention: proof that it ran, and what it did. Counts only. */
export type RetentionRunDocument = {
  _id: string;
  trigger: 'schedule' | 'manual';
  by: string;
  state: (typeof RUN_STATES)[number];
  startedAt: Date;
  /** Moves on with every batch: a run that stands still has died. */
  aliveAt: Date;
  endedAt?: Date;
  classes: ClassReport[];
  actNumber?: number;
};

const runSchema = new Schema<RetentionRunDocument>(
  {
    _id: { type: String, required: true },
    trigger: { type: String, enum: ['schedule', 'manual'], required: true },
    by: { type: String, required: true },
    state: { type: String, enum: RUN_STATES, required: true },
    startedAt: { type: Date, required: true },
    aliveAt: { type: Date, required: true },
    endedAt: Date,
    classes: { type: Schema.Types.Mixed, required: true },
    actNumber: Number,
  },
  { collection: 'retention_runs', versionKey: false, strict: 'throw' },
);
runSchema.index({ aliveAt: 1 }, { partialFilterExpression: { state: 'running' } });

export const RetentionRun = model('RetentionRun', runSchema);
