#!/bin/sh
# The keys that five published API pages show, made, listed, verified, disabled and
# revoked by command. Needs a running service and its first key in ./data:
#
#   sh examples/seed-pages/cli.sh
#
# WARDER names another way to call the program, as WARDER="npx warder".
set -eu
warder=${WARDER:-npm run -s warder --}

# A new key: its text goes to a variable, its id is found by its name.
make() { key=$($warder keys create "$@" 2>/dev/null); id=$(newest); }
newest() { $warder --json keys list --limit 1 | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -n 1; }
code() { printf %s "$key" | $warder --json keys verify "$@" | sed -n 's/.*"code": *"\([^"]*\)".*/\1/p'; }
is() { [ "$1" = "$2" ] || { echo "$3 is $1, not $2" >&2; exit 1; }; }

make --name 'Analytics Service Key' --owner user_abc123 --scopes chat.completions,responses \
  --expires-at 2027-12-31T23:59:59Z
is "$(code --scopes chat.completions)" valid "Phaseo's key"

make --name 'CI pipeline key' --scopes read,write
is "$(code --scopes read)" valid "Phaseo's management page's key"
$warder keys update "$id" --name 'Updated key name' >/dev/null
$warder keys disable "$id" >/dev/null
is "$(code)" disabled "Phaseo's management page's key"

make --name '<string>' --owner 3c90c3cc-0d44-4b50-8888-8dd25736052a --scopes '<string>' \
  --expires-at 2023-11-07T05:31:56Z
is "$(code)" expired "Cobo's key"
$warder keys revoke "$id" --reason 'as shown' >/dev/null
is "$(code)" revoked "Cobo's key"

make --name example --scopes example --allow-self-revoke \
  --metadata org_id=2489E9AD-2EE2-8E00-8EC9-32D5F69181C0
is "$(code --scopes example)" valid "Dreadnode's key"

make --name 'Production API Key' --owner d290f1ee-6c54-4b01-90e6-d701748f0851 \
  --scopes workflows:read,voices:read,workspace:read
is "$(code --query 'workflows:read and voices:read')" valid "OnePin's key"
$warder keys revoke "$id" >/dev/null
is "$(code)" revoked "OnePin's key"

$warder keys list --kind standard
