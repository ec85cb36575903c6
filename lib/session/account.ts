/** Access keys whose account is remembered: temporary ones are replaced every hour or so. */
const MAX_KNOWN = 1000;

/** By access key id, the oldest first. */
const ACCOUNTS = new Map<string, string>();

/**
 * Whom the service counts calls for: an account, or failing that the key that signs them.
 *
 * A key is of one account, and streams of other accounts are not open to it. So what one caller knows of its key is
 * remembered for those in the process who know the key only.
 *
 * @param fromArn the account that the stream's ARN names
 */
export function accountOf(
  { accountId, accessKeyId }: { accountId?: string; accessKeyId: string },
  fromArn: string | undefined,
): string {
  const account = fromArn ?? accountId;
  if (account === undefined) return ACCOUNTS.get(accessKeyId) ?? accessKeyId;
  ACCOUNTS.delete(accessKeyId);
  ACCOUNTS.set(accessKeyId, account);
  for (const oldest of ACCOUNTS.keys()) {
    if (ACCOUNTS.size <= MAX_KNOWN) break;
    ACCOUNTS.delete(oldest);
  }
  return account;
}
