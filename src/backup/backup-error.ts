/** Why a backup cannot be taken or restored, in words for the operator. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}
