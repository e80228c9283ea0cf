// One or two examples for each command, shown at the end of its help. A test runs
// every one of them as it stands here, with real ids in the place of KEY_ID,
// WORKSPACE_ID and MEMBER_ID.

import type { Command } from 'commander';

export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  'warder serve': [
    'warder serve',
    'warder serve --listen 127.0.0.1:7701 --data ./other --log-level warn',
  ],
  'warder recover': ['warder recover > management-key'],
  'warder backup': [
    'warder backup --out warder.backup',
    'warder backup --out - | gzip > backup.gz',
  ],
  'warder restore': [
    'warder restore warder.backup --events events.jsonl --replace',
    'warder restore warder.backup --accept-revivals --replace',
  ],
  'warder migrate': ['warder migrate --check', 'warder migrate'],
  'warder copy': ['warder copy --from ./data --to "$DATABASE_URL"'],
  'warder doctor': ['warder doctor'],
  'warder keys create': [
    'warder keys create --name CI --owner acme --scopes files:read --limit minute=100/60s > ci-key',
    'warder keys create --name issuer --kind management --permissions issuer > issuer-key',
  ],
  'warder keys list': [
    'warder keys list --owner acme --status active',
    'warder keys list --limit 200 --json',
  ],
  'warder keys get': ['warder keys get KEY_ID'],
  'warder keys update': [
    'warder keys update KEY_ID --name Deploy --scopes files:read,files:write',
    'warder keys update KEY_ID --clear owner',
  ],
  'warder keys credits': [
    'warder keys credits KEY_ID --add 500',
    'warder keys credits KEY_ID --set 1000',
  ],
  'warder keys disable': ['warder keys disable KEY_ID', 'warder keys disable KEY_ID --confirm'],
  'warder keys enable': ['warder keys enable KEY_ID'],
  'warder keys revoke': ['warder keys revoke KEY_ID --reason "seen in a log"'],
  'warder keys delete': ['warder keys delete KEY_ID'],
  'warder keys verify': [
    'warder keys verify --scopes files:read < ci-key',
    'warder keys verify --from-file ci-key --query "files:read and (admin or files:read)"',
  ],
  'warder keys usage': ['warder keys usage KEY_ID', 'warder keys usage KEY_ID --step hour'],
  'warder keys explain': [
    'warder keys explain KEY_ID',
    'warder keys explain KEY_ID --ip 192.0.2.1 --scopes files:read --at 2027-01-01T00:00:00Z',
  ],
  'warder workspaces create': ['warder workspaces create --name Staging --max-life 90d'],
  'warder workspaces list': ['warder workspaces list'],
  'warder workspaces get': ['warder workspaces get WORKSPACE_ID'],
  'warder workspaces update': [
    'warder workspaces update WORKSPACE_ID --key-limit minute=600/1m --owner-limit day=100000/1d',
    'warder workspaces update WORKSPACE_ID --no-ordinary-keys-manage',
  ],
  'warder workspaces suspend': ['warder workspaces suspend WORKSPACE_ID'],
  'warder workspaces resume': ['warder workspaces resume WORKSPACE_ID'],
  'warder workspaces delete': ['warder workspaces delete WORKSPACE_ID --revoke-keys'],
  'warder owners list': ['warder owners list'],
  'warder owners get': ['warder owners get acme'],
  'warder owners put': ['warder owners put acme --name "Acme Corp" --metadata plan=pro'],
  'warder owners update': [
    'warder owners update acme --type company',
    'warder owners update acme --credits 10000 --refill 10000/month',
  ],
  'warder owners credits': ['warder owners credits acme --add 5000'],
  'warder owners suspend': ['warder owners suspend acme'],
  'warder owners resume': ['warder owners resume acme'],
  'warder members list': ['warder members list --role owner'],
  'warder members add': [
    'warder members add --issuer https://login.example.com --subject user-42 --role editor --name Ann',
  ],
  'warder members show': ['warder members show MEMBER_ID'],
  'warder members edit': ['warder members edit MEMBER_ID --role admin'],
  'warder members remove': ['warder members remove MEMBER_ID'],
  'warder events list': [
    'warder events list --type key.revoked,key.erased',
    'warder events list --owner acme',
  ],
  'warder events follow': ['warder events follow', 'warder events follow --type key.created'],
  'warder events export': [
    'warder events export > all-events.jsonl',
    'warder events export --created-after 2026-01-01T00:00:00Z --out events.jsonl',
  ],
  'warder events head': ['warder events head > heads'],
  'warder events verify': ['warder events verify', 'warder events verify --head heads'],
  'warder usage': ['warder usage', 'warder usage --owner acme --step month'],
  'warder owners erase': ['warder owners erase acme --keys'],
  'warder limits take': [
    'warder limits take logins ip:192.0.2.1 --limit 5 --window 15m',
    'warder limits take pages user-42 --limit 1000 --window 1d --cost 25',
  ],
  'warder prove': ['warder prove --runs 3'],
  'warder whoami': ['warder whoami', 'warder whoami --key-file issuer-key'],
  'warder config': ['warder config', 'warder config --json'],
  'warder completion bash': ['eval "$(warder completion bash)"'],
  'warder completion zsh': ['warder completion zsh > _warder'],
  'warder completion fish': ['warder completion fish > warder.fish'],
};

/** Adds the examples to the help of a command and of those below it. */
export function addExamples(command: Command, path: string = command.name()): void {
  const examples = EXAMPLES[path];
  if (examples) {
    command.addHelpText(
      'after',
      ['', 'Examples:', ...examples.map((one) => `  ${one}`)].join('\n'),
    );
  }
  for (const one of command.commands) addExamples(one, `${path} ${one.name()}`);
}
