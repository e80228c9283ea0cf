// Why a file on the disk is left alone, as one sentence for the operator.

/** A file that was refused; nothing was changed. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
}
