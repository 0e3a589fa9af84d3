"""What vulture takes for dead and is not: a bare name on a line counts as a use. Each has its reason."""
# ruff: noqa: B018, F821 - bare names are how vulture's allow-lists are written
# mypy: ignore-errors

# Read by pytest.
pytestmark

# Read by sqlglot.
arg_types

# Read by uvicorn and called by asyncio.
should_exit
connection_made
data_received
connection_lost
_process_events
_write_to_self

# Called by imports.
find_spec

# Filters that templates name, and what a template reads.
money
anyway

# Read by python-liquid: how its environment is told about limits, and what a tag does.
_get_buffer
render_to_output
blank
__call__
get_buffer
buf
context_class
template_class
output_stream_limit
loop_iteration_limit
local_namespace_limit
context_depth_limit
block_nesting_limit

# Read by Apprise, by dnspython, and called by asyncio.
socket_connect_timeout
socket_read_timeout
nameservers
datagram_received

# Sections of settings that are read by their names.
chat
push

# A field of the stored state whose use comes with tied identifiers; states are arrays, so its place must not move.
gen

# Fields that stand for a column, or a key of JSON, and are read there.
by_epoch
recorded_at

# Read by click: how a group lists its commands, of what kind its groups are, and what they take over.
format_commands
group_class
default_map

# Fields of a notice of SNS, which are read by the names that its signature is over.
MessageId
Subject

# Columns of a benchmark that are read by their names.
wall_s
finding_us

# What `tactful simulate --truth` prints.
conversion_assigned
conversion_sent_to
revenue_assigned
revenue_sent_to

# Asked for by name by http.server.
protocol_version
close_connection
do_PUT
do_DELETE
do_HEAD
