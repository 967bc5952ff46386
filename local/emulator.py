"""Runs the pinned AWS emulator (ministack) on 127.0.0.1:GATEWAY_PORT until its standard input closes.

Where the emulator is slower or more forgiving than AWS in a way that Mainstay depends on, it is mended here,
by a table of small source edits; an edit that no longer fits stops the start. It must never listen on another
address, never outlive the process that started it, and never make the emulator do what AWS would not do.
Started by local/emulator.ts.
"""

import asyncio.base_events
import contextvars
import inspect
import json
import os
import re
import signal
import socket
import sys
import textwrap
import threading
import time

os.environ['BIND_HOST'] = '127.0.0.1'

from ministack.core import lambda_runtime  # noqa: E402  (reads the environment when imported)
from ministack.services import dynamodb, ec2, eventbridge, lambda_svc, stepfunctions  # noqa: E402
from ministack.services.cloudformation import changesets, engine, handlers, helpers, provisioners, stacks  # noqa: E402


def edit(where, name, *changes):
    """Replaces text in the source of where.name; every old text must occur exactly once."""
    source = textwrap.dedent(inspect.getsource(getattr(where, name)))
    for old, new in changes:
        source = replace_once(source, old, new, name)
    module = sys.modules[where.__module__] if inspect.isclass(where) else where
    scope = {}
    exec(compile(source, f'<{name}, mended>', 'exec'), module.__dict__, scope)
    setattr(where, name, scope[name])


def replace_once(source, old, new, name):
    if source.count(old) != 1:
        sys.exit(f'local/emulator.py does not fit this ministack: {name} should hold exactly once: {old}')
    return source.replace(old, new)


# --- the network: without TCP_NODELAY every call on a kept-alive connection takes 44 ms instead of 3 ---


def send_at_once(accepted):
    if accepted.family in (socket.AF_INET, socket.AF_INET6):
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


asyncio.base_events._set_nodelay = send_at_once  # asyncio skips sockets whose proto is 0, as Hypercorn's are


# --- Lambda: one worker per invocation in flight, as on AWS; ministack makes a second caller wait for the first ---


OneWorker = lambda_runtime.Worker
emit_metrics = lambda_svc._emit_lambda_metrics
lambda_svc._emit_lambda_metrics = lambda *_, **__: None  # counted in the pool instead, whoever invokes
idle_workers_kept = 3  # per function, 60 MB each; ministack itself has no limit and ends none


class WorkerPool:
    """Stands where ministack keeps the single worker of a function."""

    def __init__(self, func_name, config, code_zip):
        self._make = lambda: OneWorker(func_name, config, code_zip)
        self._name = config['FunctionName']
        self._lock = threading.Lock()
        self._idle = []
        self._retired = False

    def invoke(self, event, request_id):
        with self._lock:
            worker = self._idle.pop() if self._idle else self._make()
        started = time.monotonic()
        try:
            result = worker.invoke(event, request_id)
            failed = result.get('status') != 'ok' or bool(result.get('thrown'))
            emit_metrics(self._name, duration_ms=1000 * (time.monotonic() - started), error=failed, throttle=False)
            return result
        finally:
            self._give_back(worker)

    def _give_back(self, worker):
        with self._lock:
            if not self._retired and len(self._idle) < idle_workers_kept:
                self._idle.append(worker)
                return
        worker.kill()

    def kill(self):
        """Ends idle workers now and the busy ones when their invocation is over, so a deployment breaks no step."""
        with self._lock:
            self._retired = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.kill()


lambda_runtime.Worker = WorkerPool


def mend_worker_script():
    """A thrown error keeps its name and its worker (AWS does both); a worker whose emulator is gone ends at once."""
    script = lambda_runtime._NODEJS_WORKER_SCRIPT
    for old, new in (
        ('status: "error", error: String(err.message || err), trace: err.stack || ""',
         'status: "ok", thrown: { name: err.name || "Error", message: String(err.message || err), trace: err.stack || "" }'),
        ('status: "error", error: e.message, trace: e.stack',
         'status: "ok", thrown: { name: e.name || "Error", message: e.message, trace: e.stack || "" }'),
        ('functionName: event._function_name || ""', 'functionName: process.env.AWS_LAMBDA_FUNCTION_NAME'),
        ('invokedFunctionArn: event._arn || ""', 'invokedFunctionArn: process.env._LAMBDA_FUNCTION_ARN'),
        ('getRemainingTimeInMillis: () => 300000',
         'getRemainingTimeInMillis: ((end) => () => Math.max(0, end - Date.now()))'
         '(Date.now() + 1000 * Number(process.env._LAMBDA_TIMEOUT))'),
        ('rl.on("line", async (line) => {',
         'rl.on("close", () => process.exit(0));\nrl.on("line", async (line) => {'),
    ):
        script = replace_once(script, old, new, 'the Node worker script')
    lambda_runtime._NODEJS_WORKER_SCRIPT = script


mend_worker_script()
# When a handler prints nothing, ministack waits 50 ms for a line that never comes: nearly all of a warm step.
edit(OneWorker, 'invoke', ('self._drain_stderr_bounded()', 'self._drain_stderr_bounded(first_line_wait=0.002)'))
edit(lambda_svc, '_execute_function_warm',
     # The caller's object must not be marked: Step Functions would pass the marks on to the next state.
     ('func_name = config.get("FunctionName", "unknown")',
      'func_name = config.get("FunctionName", "unknown"); event = dict(event) if isinstance(event, dict) else event'),
     ('if result.get("status") == "ok":',
      'thrown = result.get("thrown")\n'
      '        if thrown:\n'
      '            return {"body": {"errorType": thrown["name"], "errorMessage": thrown["message"],\n'
      '                             "trace": thrown["trace"].split(chr(10))},\n'
      '                    "error": True, "log": result.get("log", "") + chr(10) + thrown["trace"]}\n'
      '        if result.get("status") == "ok":'),
     ('error_type = "Runtime.ExitError"', 'error_type = "Sandbox.Timedout"'))


# --- Step Functions: TimeoutSeconds of a task, Retry and Catch of a Parallel, no pause before the first state ---


def invoke_within(timeout_s, resource, data):
    """AWS gives up waiting for a task after TimeoutSeconds; the function itself runs on."""
    if timeout_s is None:
        return stepfunctions._invoke_resource(resource, data)
    box = []

    def run():
        try:
            box.append((stepfunctions._invoke_resource(resource, data), None))
        except Exception as error:
            box.append((None, error))

    task = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    task.start()
    task.join(timeout_s)
    if not box:
        raise stepfunctions._ExecutionError('States.Timeout', '')
    result, error = box[0]
    if error:
        raise error
    return result


def with_retry_and_catch(execute):
    def run(state, data, execution, ctx):
        counts = {}
        while True:
            try:
                return execute(state, data, execution, ctx)
            except stepfunctions._ExecutionError as error:
                retrier, index = stepfunctions._find_matching_retrier(state.get('Retry', []), error.error, counts)
                if retrier is None:
                    return caught(state, data, error)
                pause_before_retry(retrier, counts.get(index, 0))
                counts[index] = counts.get(index, 0) + 1
    return run


def pause_before_retry(retrier, attempts):
    wait_s = retrier.get('IntervalSeconds', 1) * retrier.get('BackoffRate', 2.0) ** attempts
    stepfunctions._scaled_sleep(min(wait_s, retrier.get('MaxDelaySeconds', 60)))


def caught(state, data, error):
    catcher = stepfunctions._find_matching_catcher(state.get('Catch', []), error.error)
    if catcher is None:
        raise error
    output = {'Error': error.error, 'Cause': error.cause}
    return stepfunctions._apply_result_path_raw(catcher.get('ResultPath', '$'), data, output), catcher['Next']


def answered(event, timeout_s, execution):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and execution['status'] == 'RUNNING':
        if event.wait(timeout=0.05):
            return True
    return event.is_set()


stepfunctions._answered = answered


def told_by_failure(state, field, data, otherwise):
    """ErrorPath and CausePath of a Fail state."""
    path = state.get(field + 'Path')
    if not path:
        return state.get(field, otherwise)
    for key in path.removeprefix('$.').split('.'):
        data = data[key]
    return data


stepfunctions._told_by_failure = told_by_failure
stepfunctions._invoke_within = invoke_within
stepfunctions._execute_parallel = with_retry_and_catch(stepfunctions._execute_parallel)
stepfunctions._execute_map = with_retry_and_catch(stepfunctions._execute_map)
edit(stepfunctions, '_run_execution',
     ('time.sleep(0.15)', 'pass'),
     ('state_def.get("Error", "States.Fail")', '_told_by_failure(state_def, "Error", current_input, "States.Fail")'),
     ('state_def.get("Cause", "")', '_told_by_failure(state_def, "Cause", current_input, "")'))
edit(stepfunctions, '_execute_task',
     ('task_result = _invoke_resource(resource, effective)',
      'task_result = _invoke_within(state_def.get("TimeoutSeconds"), resource, effective)'),
     ('min(sleep_sec, 60)', 'min(sleep_sec, retrier.get("MaxDelaySeconds", 60))'),
     ('ctx["Task"]["Token"], state_def)', 'ctx["Task"]["Token"], state_def, execution)'),
     # A stopped execution starts no further attempt, and (below) no further state of a branch.
     ('retry_counts[retrier_idx] = count + 1',
      'retry_counts[retrier_idx] = count + 1\n                if execution["status"] != "RUNNING": break'))
edit(stepfunctions, '_run_sub_machine', ('while current_name:', 'while current_name and execution["status"] == "RUNNING":'))
# A function that fails fails its task, token or not; a task of a stopped execution is nobody's any more, and neither is its token.
edit(stepfunctions, '_invoke_with_callback',
     ('def _invoke_with_callback(resource, input_data, token, state_def):',
      'def _invoke_with_callback(resource, input_data, token, state_def, execution):'),
     ('        except _ExecutionError:\n            pass\n',
      '        except _ExecutionError:\n            _task_tokens.pop(token, None)\n            raise\n'),
     ('"event": evt, "result"', '"execution": execution, "event": evt, "result"'),
     ('if not evt.wait(timeout=timeout):', 'if not _answered(evt, timeout, execution):'))
for answer in ('_send_task_success', '_send_task_failure', '_send_task_heartbeat'):
    edit(stepfunctions, answer,
         ('if not info:', 'if not info or info.get("execution", {}).get("status", "RUNNING") != "RUNNING":'))
edit(stepfunctions, '_stop_execution',
     ('execution["stopDate"] = stop_date',
      'execution["stopDate"] = stop_date; execution.update(error=data.get("error"), cause=data.get("cause"))'))


# --- EventBridge: a text that an input transformer puts into JSON gets its quotes, as on AWS ---


def quote_placeholder(template, name):
    placeholder = f'<{name}>'
    either = r'"(?:[^"\\]|\\.)*"|' + re.escape(placeholder)
    return re.sub(either, lambda found: f'"{placeholder}"' if found[0] == placeholder else found[0], template)


def text_for_json(text):
    return json.dumps(text)[1:-1]


eventbridge._quote_placeholder = quote_placeholder
eventbridge._text_for_json = text_for_json
edit(eventbridge, '_apply_input_transformer',
     ('replacements[var_name] = val if isinstance(val, str) else json.dumps(val)',
      'template = _quote_placeholder(template, var_name) if isinstance(val, str) else template\n'
      '            replacements[var_name] = _text_for_json(val) if isinstance(val, str) else json.dumps(val)'))


# --- CloudFormation: resource types that ministack refuses ---


def create_address(logical_id, props, stack_name):
    _, _, answer = ec2._allocate_address({'Domain': ['vpc']})
    allocation_id = re.search(r'eipalloc-\w+', answer if isinstance(answer, str) else answer.decode())[0]
    public_ip = ec2._addresses[allocation_id]['PublicIp']
    return public_ip, {'AllocationId': allocation_id, 'PublicIp': public_ip}


def delete_address(public_ip, props):
    for allocation_id in [key for key, address in ec2._addresses.items() if address['PublicIp'] == public_ip]:
        ec2._release_address({'AllocationId': [allocation_id]})


def create_name_only(logical_id, props, stack_name):
    return props.get('Name') or provisioners._physical_name(stack_name, logical_id), {}


provisioners._RESOURCE_HANDLERS['AWS::EC2::EIP'] = {'create': create_address, 'delete': delete_address}
# Nothing on one machine acts on these: they exist by name only, so that the template need not be changed.
for kind in ('SSM::Document', 'SSM::Association', 'CloudWatch::CompositeAlarm', 'Logs::MetricFilter', 'Logs::QueryDefinition'):
    provisioners._RESOURCE_HANDLERS['AWS::' + kind] = {'create': create_name_only, 'delete': lambda name, props: None}


# --- CloudFormation: Retain keeps, a taken name stays taken, a table keeps its items, and no change is no update ---


importing = set()  # stacks whose change set may take over what exists already


def says_retain(stack_name, logical_id):
    from ministack.services.cloudformation import _stacks
    stack = _stacks.get(stack_name) or {}
    # A stack that was never complete has its template as text only.
    template = stack.get('_template') or engine._parse_template(stack.get('_template_body') or '{}')
    return template.get('Resources', {}).get(logical_id, {}).get('DeletionPolicy', '').startswith('Retain')


def delete_unless_retained(kind, physical_id, props, stack_name=None, logical_id=None):
    if not says_retain(stack_name, logical_id):
        provisioners._delete_resource(kind, physical_id, props, stack_name, logical_id)


def table_of(create):
    def made(logical_id, props, stack_name):
        name = props.get('TableName')
        if name in dynamodb._tables:
            if stack_name not in importing:
                raise ValueError(f"Resource of type 'AWS::DynamoDB::Table' with identifier '{name}' already exists.")
            return name, {'Arn': dynamodb._tables[name]['TableArn']}
        return create(logical_id, props, stack_name)

    def updated(name, old_props, props, stack_name):
        items = dynamodb._tables[name]['items']
        answer = create(name, {**props, 'TableName': name}, stack_name)
        dynamodb._tables[name]['items'] = items
        return answer

    return {'create': made, 'update': updated}


def update_if_changed(params, update=handlers._update_stack):
    from ministack.services.cloudformation import _stacks
    stack = _stacks.get(helpers._p(params, 'StackName')) or {}
    template, _ = helpers._resolve_template(params)
    given = {each['Key']: each['Value'] for each in helpers._extract_members(params, 'Parameters')}
    had = {each['ParameterKey']: each['ParameterValue'] for each in stack.get('Parameters', [])}
    if template and template == stack.get('_template_body') and given.items() <= had.items():
        return helpers._error('ValidationError', 'No updates are to be performed.')
    return update(params)


def create_change_set(params, create=changesets._create_change_set):
    if helpers._p(params, 'ImportExistingResources', 'false') == 'true':
        importing.add(helpers._p(params, 'StackName'))
    return create(params)


for kind in ('Table', 'GlobalTable'):
    provisioners._RESOURCE_HANDLERS['AWS::DynamoDB::' + kind].update(
        table_of(provisioners._RESOURCE_HANDLERS['AWS::DynamoDB::' + kind]['create']))
stacks._delete_resource = delete_unless_retained
# A failed update takes back what it has made, not what was there before.
edit(stacks, '_deploy_stack_async',
     ('created_in_this_run.append(logical_id)', 'prev_resource or created_in_this_run.append(logical_id)'))
changesets._deploy_stack_async = handlers._deploy_stack_async = stacks._deploy_stack_async
handlers._ACTION_HANDLERS.update(UpdateStack=update_if_changed, CreateChangeSet=create_change_set)


# --- life: our parent holds the other end of standard input; when it is gone, so is our whole process group ---


def end_with_parent():
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == '__main__':
    if os.getpgrp() != os.getpid():
        os.setpgrp()  # killing the group must reach nobody but us and our Lambda workers
    threading.Thread(target=end_with_parent, daemon=True).start()
    from ministack.app import main
    sys.argv = ['ministack']
    main()
