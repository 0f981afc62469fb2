"""Wrong specs, and what is said of each: text, code, line:column, path, message, help.

`ONE` says the version, `HEAD` that and one stage; line 2, or 3, is the first of the text itself.
"""

# ruff: noqa: E501 - a table is scanned by column, one row to a line
# fmt: off

ONE = "resforge: 1\n"
HEAD = ONE + "stages: [{depth: 2, width: 64}]\n"

Row = tuple[str, str, str, str, str, str | None]

FILES: list[Row] = [
    ('', 'empty', '', '', 'no spec in this text', 'try `resforge new resnet18 > net.yaml`'),
    ('# a\n# b', 'empty', '', '', 'no spec in this text', 'try `resforge new resnet18 > net.yaml`'),
    ('- a', 'type', '1:1', '', 'a spec is a mapping of keys to values, not a list', 'start with `resforge: 1`'),
    ('hello', 'type', '1:1', '', 'a spec is a mapping of keys to values, not text', 'start with `resforge: 1`'),
    (ONE + 'stages:\n\t- {depth: 2}', 'syntax', '3:1', '', 'a tab in the indentation', 'indent with spaces'),
    (ONE + 'stages:\n  - {depth: 2, width: 64}\n   block: basic', 'syntax', '4:4', '', 'bad indentation', 'line it up with the entries beside it; the block starts at line 3, column 3'),
    (ONE + 'stages:\n  - depth:18\n    width: 3', 'syntax', '3:5', '', 'a key without a space after its colon', 'put a space after the colon: depth: 18'),
    ('{"resforge": 1, "base": "resnet18",}', 'syntax', '1:35', '', 'a comma before the closing bracket', 'remove the comma'),
    ('{"resforge": 1, // x\n "base": "resnet18"}', 'syntax', '1:17', '', 'JSON has no comments', 'remove it, or save the spec as .yaml'),
    (HEAD + '---\na: 1', 'syntax', '3:1', '', 'a second document', 'keep one spec to a file'),
]

YAML_TRAPS: list[Row] = [
    (HEAD + 'block: basic\nblock: d2l', 'duplicate', '4:1', 'block', "'block' is given twice; first at line 3, column 1", 'keep one of the two'),
    (ONE + 'stages: [{depth: 2, width: 64, depth: 3}]', 'duplicate', '2:32', 'stages[0].depth', "'depth' is given twice; first at line 2, column 11", 'keep one of the two'),
    (HEAD + 'init: {zero_residual: no}', 'type', '3:23', 'init.zero_residual', "expected true or false, not 'no'", 'write false'),
    (HEAD + 'stem: {kind: conv7x7, bias: off}', 'type', '3:29', 'stem.bias', "expected true or false, not 'off'", 'write false'),
    (HEAD + 'init:\n  zero_residual: yes', 'type', '4:18', 'init.zero_residual', "expected true or false, not 'yes'", 'write true'),
    (ONE + 'stages: [{depth: 010, width: 64}]', 'type', '2:18', 'stages[0].depth', "expected a whole number, not '010'", 'write 10'),
    (HEAD + 'head: {num_classes: 1_000}', 'type', '3:21', 'head.num_classes', "expected a whole number, not '1_000'", 'write 1000'),
    (HEAD + 'head: {num_classes: 7:30}', 'type', '3:21', 'head.num_classes', "expected a whole number, not '7:30'", 'write one plain number; times and ratios are read as text'),
    (HEAD + 'norm: {kind: batch, eps: .nan}', 'number', '3:26', 'norm.eps', '.nan is not a finite number', 'write a finite number'),
    (HEAD + 'norm: {kind: batch, momentum: .inf}', 'number', '3:31', 'norm.momentum', '.inf is not a finite number', 'write a finite number'),
    (ONE + 'stages: &a [{depth: 2, width: 64}]', 'anchor', '2:9', 'stages', 'anchors are not supported', 'write the value out where it is needed'),
    (HEAD + 'block: *a', 'anchor', '3:8', 'block', 'anchors are not supported', 'write the value out where it is needed'),
    (HEAD + '<<: {block: basic}', 'anchor', '3:1', '', 'merge keys are not supported', 'write the keys out, or use `base:`'),
    (HEAD + "block: !!python/object/apply:os.system ['x']", 'tag', '3:8', 'block', 'tags are not supported', 'remove it; a spec holds plain values, and code is registered from Python'),
    (HEAD + 'block: !foo basic', 'tag', '3:8', 'block', 'tags are not supported', 'remove it; a spec holds plain values, and code is registered from Python'),
    (HEAD + '1: 2', 'key', '3:1', '', 'a key must be text, not a number', 'put quotes around it: "1"'),
    (HEAD + '[a]: 2', 'key', '3:1', '', 'a key must be text, not a list', None),
    (HEAD + 'block: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]', 'nesting', '3:39', '', 'nested deeper than 32 levels', None),
]

TYPES_AND_RANGES: list[Row] = [
    ('stages: [{depth: 2, width: 64}]', 'missing', '1:1', 'resforge', "'resforge' is missing", 'write resforge: 1'),
    (ONE + 'stages: null', 'type', '2:9', 'stages', 'expected a list, not null', 'write [ ... ]'),
    (ONE + 'stages: [{depth: 2, width: null}]', 'type', '2:28', 'stages[0].width', 'expected a whole number, not null', 'write a number such as 64'),
    (HEAD + 'block: [basic]', 'type', '3:8', 'block', 'expected a kind or a mapping, not a list', 'write basic or bottleneck or d2l, or {kind: basic, ...}'),
    (HEAD + 'init: [1]', 'type', '3:7', 'init', 'expected a mapping, not a list', 'write {key: value, ...}'),
    (HEAD + 'head: []', 'type', '3:7', 'head', 'expected a kind or a mapping, not a list', 'write classifier, or {kind: classifier, ...}'),
    (ONE + 'stages: [{depth: 2, width: -1}]', 'range', '2:28', 'stages[0].width', '-1 is out of range', 'use at least 1'),
    (HEAD + 'head: {dropout: 1.0}', 'range', '3:17', 'head.dropout', '1.0 is out of range', 'use less than 1.0'),
    (HEAD + 'norm: {kind: batch, eps: -1}', 'range', '3:26', 'norm.eps', '-1 is out of range', 'use more than 0.0'),
    (HEAD + 'norm: {momentum: nan}', 'missing', '3:7', 'norm', "'kind' is missing", 'write kind: batch'),
    (HEAD + 'norm: {eps: 1e-3}', 'missing', '3:7', 'norm', "'kind' is missing", 'write kind: batch or group'),
    (ONE + 'stages: [{depth: 2, width: 64, strid: 2}]', 'key', '2:32', 'stages[0].strid', "unknown key 'strid'", "did you mean 'stride'?"),
    (HEAD + 'stem: {kind: conv3x3, pool: max}', 'key', '3:23', 'stem.pool', "unknown key 'pool'", "'pool' belongs to 'conv7x7' or 'deep_base'"),
    (HEAD + 'init: {zero_init: true}', 'key', '3:8', 'init.zero_init', "unknown key 'zero_init'", 'allowed here: scheme, zero_residual'),
    (HEAD + 'block: {groups: 2}', 'missing', '3:8', 'block', "'kind' is missing", 'write kind: bottleneck'),
    (HEAD + 'block: inverted', 'value', '3:8', 'block', "'inverted' is not one of basic, bottleneck, d2l", 'use basic or bottleneck or d2l'),
    (HEAD + 'block: os.system', 'value', '3:8', 'block', "'os.system' is not one of basic, bottleneck, d2l", 'a file holds names only; new kinds are registered from Python'),
    (HEAD + 'block: "\\x1b[31mred"', 'value', '3:8', 'block', "'\\x1b[31mred' is not one of basic, bottleneck, d2l", 'use basic or bottleneck or d2l'),
    (HEAD + 'block: {kind: bottleneck, groups: 0}', 'range', '3:35', 'block.groups', '0 is out of range', 'use at least 1'),
    (HEAD + 'norm: {kind: group, groups: -3}', 'range', '3:29', 'norm.groups', '-3 is out of range', 'use at least 1'),
    (ONE + 'stages: [{depth: 2, width: 64, stride: 0}]', 'range', '2:40', 'stages[0].stride', '0 is out of range', 'use at least 1'),
    (HEAD + 'head: {num_classes: 0}', 'range', '3:21', 'head.num_classes', '0 is out of range', 'use at least 1'),
    (HEAD + 'activation: Relu', 'value', '3:13', 'activation', "'Relu' is not one of relu, relu6, leaky_relu, elu, selu, gelu, silu, mish, hardswish, softplus, tanh, none", "did you mean 'relu'?"),
    (HEAD + 'shortcut: {match: identity, change: identiy}', 'value', '3:37', 'shortcut.change', "'identiy' is not one of identity, projection, avg_projection, zero_pad, conv1x1, scaled, gate, dropout, none", "did you mean 'identity'?"),
    (ONE + 'stages: [{depth: 2, width: 64, block: {kind: bottelneck}}]', 'value', '2:46', 'stages[0].block.kind', "'bottelneck' is not one of basic, bottleneck, d2l", "did you mean 'bottleneck'?"),
    (ONE + 'base: resnet5O', 'catalogue', '2:7', 'base', "no 'resnet5O' in the catalogue", "did you mean 'resnet50'? `resforge list` shows every name"),
    (ONE + 'base: 5', 'catalogue', '2:7', 'base', 'no 5 in the catalogue', '`resforge list` shows every name'),
    ('resforge: true\nstages: [{depth: 2, width: 64}]', 'type', '1:11', 'resforge', 'expected a whole number, not true', 'write a number such as 64'),
    ('resforge: 2\nstages: [{depth: 2, width: 64}]', 'value', '1:11', 'resforge', 'this resforge reads version 1 of the language, not 2', 'write 1, or upgrade resforge'),
    ("resforge: '1'\nstages: [{depth: 2, width: 64}]", 'type', '1:11', 'resforge', "expected a whole number, not '1'", 'remove the quotes'),
    (ONE + 'block: basic', 'missing', '1:1', 'stages', "'stages' is missing", 'write stages: [{depth: 2, width: 64}]'),
    (HEAD + 'shortcut: Identity2', 'value', '3:11', 'shortcut', "'Identity2' is not one of identity, projection, avg_projection, zero_pad, conv1x1, scaled, gate, dropout, none", "did you mean 'identity'?"),
    (HEAD + 'shortcut: [projection]', 'type', '3:11', 'shortcut', 'expected a mapping, not a list', 'write {key: value, ...}'),
    (HEAD + 'shortcut: {kind: none, pad: end}', 'key', '3:24', 'shortcut.pad', "unknown key 'pad'", "'pad' belongs to 'zero_pad'"),
    (HEAD + 'shortcut: {kind: zero_pad, pad: start}', 'value', '3:33', 'shortcut.pad', "'start' is not one of end, both", 'use end or both'),
    (HEAD + 'shortcut: {match: identity, chnage: projection}', 'key', '3:29', 'shortcut.chnage', "unknown key 'chnage'", "did you mean 'change'?"),
    (HEAD + 'stem: {kind: conv7x8}', 'value', '3:14', 'stem.kind', "'conv7x8' is not one of conv7x7, deep_base, conv3x3", "did you mean 'conv7x7'?"),
    (HEAD + 'stem: {width: 64}', 'missing', '3:7', 'stem', "'kind' is missing", 'write kind: conv7x7 or conv3x3'),
    (HEAD + 'block: {kind: basic, groups: 2}', 'key', '3:22', 'block.groups', "unknown key 'groups'", "'groups' belongs to 'bottleneck'"),
    (HEAD + 'block: 3', 'type', '3:8', 'block', 'expected a kind or a mapping, not 3', 'write basic or bottleneck or d2l, or {kind: basic, ...}'),
    (HEAD + 'activation: 5', 'value', '3:13', 'activation', '5 is not one of relu, relu6, leaky_relu, elu, selu, gelu, silu, mish, hardswish, softplus, tanh, none', 'use relu or relu6 or leaky_relu or elu or selu or gelu'),
    (HEAD + "head: {num_classes: '50'}", 'type', '3:21', 'head.num_classes', "expected a whole number, not '50'", 'remove the quotes'),
    (HEAD + 'head: {num_classes: 50.0}', 'type', '3:21', 'head.num_classes', 'expected a whole number, not 50.0', 'write 50'),
    (HEAD + 'head: {num_classes: 50.5}', 'type', '3:21', 'head.num_classes', 'expected a whole number, not 50.5', 'write a number such as 64'),
    (HEAD + 'head: {num_classes: true}', 'type', '3:21', 'head.num_classes', 'expected a whole number, not true', 'write a number such as 64'),
    (HEAD + 'init: {scheme: kaiming}', 'value', '3:16', 'init.scheme', "'kaiming' is not one of kaiming_normal, torch", "did you mean 'kaiming_normal'?"),
    (HEAD + 'name: 5', 'type', '3:7', 'name', 'expected text, not 5', 'write a name'),
    (HEAD + 'init: {zero_residual: 1}', 'type', '3:23', 'init.zero_residual', 'expected true or false, not 1', 'write true or false'),
]

SHAPES: list[Row] = [
    (ONE + 'stages: [{depth: 2, width: 64}, {depth: 2, width: 128}]\nshortcut: identity', 'shortcut', '3:11', 'shortcut', 'identity cannot join 64 channels to 128 at stride 1 (layer2.0)', "use 'projection' (1x1 convolution, option B) or 'zero_pad' (option A)"),
    (ONE + 'stages: [{depth: 2, width: 64}, {depth: 2, width: 64, stride: 2}]\nshortcut: identity', 'shortcut', '3:11', 'shortcut', 'identity cannot join 64 channels to 64 at stride 2 (layer2.0)', "use 'projection' (1x1 convolution, option B) or 'zero_pad' (option A)"),
    (ONE + 'stages: [{depth: 2, width: 64}, {depth: 2, width: 64, stride: 2, shortcut: identity}]', 'shortcut', '2:76', 'stages[1].shortcut', 'identity cannot join 64 channels to 64 at stride 2', "use 'projection' (1x1 convolution, option B) or 'zero_pad' (option A)"),
    (ONE + 'stages: [{depth: 2, width: 64}, {depth: 2, width: 32, shortcut: zero_pad}]', 'shortcut', '2:65', 'stages[1].shortcut', 'zero_pad can widen, never narrow: 64 channels to 32', "use 'projection' (1x1 convolution, option B)"),
    (ONE + 'stages: [{depth: 2, width: 64}, {depth: 2, width: 32}]\nshortcut: zero_pad', 'shortcut', '3:11', 'shortcut', 'zero_pad can widen, never narrow: 64 channels to 32 (layer2.0)', "use 'projection' (1x1 convolution, option B)"),
    (ONE + 'stages: [{depth: 2, width: 64}, {width: 128, blocks: [{shortcut: {match: none, change: identity}}]}]', 'shortcut', '2:88', 'stages[1].blocks[0].shortcut.change', 'identity cannot join 64 channels to 128 at stride 1', "use 'projection' (1x1 convolution, option B) or 'zero_pad' (option A)"),
    (HEAD + 'norm: {kind: group, groups: 48}', 'norm', '3:29', 'norm.groups', '48 groups do not divide 64 channels', 'use a divisor of every width: 1, 2, 4, 8, 16, 32, 64'),
    (ONE + 'stages: [{depth: 2, width: 3}]\nblock: {kind: bottleneck, width_per_group: 4}', 'block', '3:44', 'block.width_per_group', 'width 3 x width_per_group 4 / 64 leaves no channel (layer1.0)', 'use a width_per_group of at least 22'),
    (HEAD + 'block: d2l\nnorm: none\ninit: {zero_residual: true}', 'init', '5:23', 'init.zero_residual', "zero_residual starts the last norm of each branch at 0, and layer1.0 has none", 'write zero_residual: false, or use a norm'),
    (ONE + 'stages: [{width: 64}]', 'missing', '2:10', 'stages[0]', "a stage needs 'depth'", 'write depth: 2'),
    (ONE + 'stages: [{width: 64, depth: 1, blocks: [{}]}]', 'conflict', '2:10', 'stages[0]', "'depth' and 'blocks' exclude each other", 'leave out depth: 1; there are 1 blocks'),
    (ONE + 'stages: []', 'range', '2:9', 'stages', 'expected at least 1 item, not 0', 'write [ ..., ... ]'),
    (ONE + 'stages: {depth: 2, width: 64}', 'type', '2:9', 'stages', 'expected a list, not a mapping', 'write [ ... ]'),
    (ONE + 'stages: [{width: 64, blocks: []}]', 'range', '2:30', 'stages[0].blocks', 'expected at least 1 item, not 0', 'write [ ..., ... ]'),
    (HEAD + 'stem: {kind: deep_base, widths: [64, 64]}', 'range', '3:33', 'stem.widths', 'expected at least 3 items, not 2', 'write [ ..., ... ]'),
]

WIDEN = "stages: [{depth: 2, width: 64}, {depth: 2, width: 128, stride: 2}]\n"

BRANCHES: list[Row] = [
    (HEAD + 'shortcut: {kind: gate, of: none}', 'shortcut', '3:28', 'shortcut.of', 'gate of none: a plain block has no shortcut (layer1.0)', "use 'identity' (x as it is) or 'projection' (1x1 convolution, option B) or 'zero_pad' (option A)"),
    (HEAD + 'shortcut: {kind: gate, of: gate}', 'value', '3:28', 'shortcut.of', "'gate' is not one of identity, projection, avg_projection, zero_pad, conv1x1, none", 'use identity or projection or avg_projection or zero_pad or conv1x1 or none'),
    (HEAD + 'shortcut: {kind: gate, mode: open}', 'value', '3:30', 'shortcut.mode', "'open' is not one of exclusive, shortcut_only", 'use exclusive or shortcut_only'),
    (HEAD + 'shortcut: {kind: gate, bias: -6}', 'key', '3:24', 'shortcut.bias', "unknown key 'bias'", "did you mean 'bias_init'?"),
    (HEAD + 'shortcut: {kind: scaled, shortcut: 17}', 'range', '3:36', 'shortcut.shortcut', '17 is out of range', 'use at most 16.0'),
    (HEAD + 'shortcut: {kind: scaled, residual: half}', 'type', '3:36', 'shortcut.residual', "expected a number, not 'half'", 'write a number such as 0.1'),
    (HEAD + 'shortcut: {kind: dropout, rate: 1.0}', 'range', '3:33', 'shortcut.rate', '1.0 is out of range', 'use less than 1.0'),
    (HEAD + 'shortcut: {kind: projection, kernel: 2}', 'value', '3:38', 'shortcut.kernel', 'a kernel of 2 has no middle', 'use 1 or 3'),
    (HEAD + 'shortcut: {kind: projection, norm: batch}', 'type', '3:36', 'shortcut.norm', "expected true or false, not 'batch'", 'write true or false'),
    (HEAD + 'shortcut: {kind: avg_projection, kernel: 3}', 'key', '3:34', 'shortcut.kernel', "unknown key 'kernel'", "'kernel' belongs to 'projection'"),
    (HEAD + 'shortcut: {kind: zero_pad, of: identity}', 'key', '3:28', 'shortcut.of', "unknown key 'of'", "'of' belongs to 'scaled' or 'gate' or 'dropout'"),
    (HEAD + 'shortcut: {kind: zero_pad, subsample: max_pool}', 'value', '3:39', 'shortcut.subsample', "'max_pool' is not one of pixel, avg_pool", "did you mean 'avg_pool'?"),
    (HEAD + 'shortcut: avgprojection', 'value', '3:11', 'shortcut', "'avgprojection' is not one of identity, projection, avg_projection, zero_pad, conv1x1, scaled, gate, dropout, none", "did you mean 'avg_projection'?"),
    (HEAD + 'block: {kind: d2l, order: full_pre}', 'key', '3:20', 'block.order', "unknown key 'order'", "'order' belongs to 'basic' or 'bottleneck'"),
    (HEAD + 'block: {kind: basic, order: pre}', 'value', '3:29', 'block.order', "'pre' is not one of post, norm_after_add, relu_before_add, relu_only_pre, full_pre", 'use post or norm_after_add or relu_before_add or relu_only_pre or full_pre'),
    (HEAD + 'block: {kind: basic, shortcut_input: raw}', 'block', '3:38', 'block.shortcut_input', 'post does not activate before the block divides (layer1.0)', 'leave shortcut_input out, or use order: full_pre or relu_only_pre'),
    (HEAD + 'order: full_pre', 'key', '3:1', 'order', "unknown key 'order'", "'order' belongs inside 'block'"),
    (HEAD + 'block: {kind: basic, attention: cbam}', 'value', '3:33', 'block.attention', "'cbam' is not one of se, eca", 'use se or eca'),
    (HEAD + 'block: {kind: basic, attention: {kind: se, reduction: 100}}', 'block', '3:55', 'block.attention.reduction', 'a reduction of 100 leaves none of 64 channels (layer1.0)', 'use a reduction of at most 64'),
    (HEAD + 'block: {kind: basic, attention: {kind: eca, kernel: 4}}', 'value', '3:53', 'block.attention.kernel', 'a kernel of 4 has no middle', 'use 3 or 5'),
    (HEAD + 'block: {kind: basic, attention: {kind: se, kernel: 3}}', 'key', '3:44', 'block.attention.kernel', "unknown key 'kernel'", "'kernel' belongs to 'eca'"),
    (HEAD + 'attention: se', 'key', '3:1', 'attention', "unknown key 'attention'", "'attention' belongs inside 'block'"),
    (HEAD + 'stochastic_depth: 1.0', 'range', '3:19', 'stochastic_depth.rate', '1.0 is out of range', 'use less than 1.0'),
    (HEAD + 'stochastic_depth: "0.2"', 'type', '3:19', 'stochastic_depth.rate', "expected a number, not '0.2'", 'remove the quotes'),
    (HEAD + 'stochastic_depth: {}', 'missing', '3:19', 'stochastic_depth.rate', "'rate' is missing", 'write rate: 0.2'),
    (HEAD + 'stochastic_depth: {rate: 0.5, rule: quadratic}', 'value', '3:37', 'stochastic_depth.rule', "'quadratic' is not one of linear, constant", 'use linear or constant'),
    (HEAD + 'stochastic_depth: 0.2\nshortcut: none', 'stochastic_depth', '3:19', 'stochastic_depth', 'layer1.0 has no shortcut: without its branch nothing would pass', 'give every block a shortcut, or leave stochastic_depth out'),
    (HEAD + 'dilation: 2', 'key', '3:1', 'dilation', "unknown key 'dilation'", "'dilation' belongs inside 'stages'"),
    (HEAD + 'block: {kind: basic, dilation: 2}', 'key', '3:22', 'block.dilation', "unknown key 'dilation'", 'allowed here: kind, order, shortcut_input, attention'),
    (ONE + WIDEN + 'shortcut: {kind: gate, of: identity}', 'shortcut', '3:28', 'shortcut.of', 'identity cannot join 64 channels to 128 at stride 2 (layer2.0)', "use 'projection' (1x1 convolution, option B) or 'zero_pad' (option A)"),
    (ONE + WIDEN + 'shortcut: {match: {kind: scaled, of: identity}, change: {kind: dropout, of: identity}}', 'shortcut', '3:77', 'shortcut.change.of', 'identity cannot join 64 channels to 128 at stride 2 (layer2.0)', "use 'projection' (1x1 convolution, option B) or 'zero_pad' (option A)"),
    (ONE + 'stages: [{depth: 2, width: 64, dilation: 2, block: d2l}]', 'block', '2:42', 'stages[0].dilation', 'a d2l block does not dilate', "use 'basic' or 'bottleneck', or leave dilation out"),
    (ONE + 'stages: [{depth: 2, width: 64, first_dilation: 2, block: d2l}]', 'block', '2:48', 'stages[0].first_dilation', 'a d2l block does not dilate', "use 'basic' or 'bottleneck', or leave first_dilation out"),
    (ONE + 'stages: [{depth: 2, width: 64, dilation: 65}]', 'range', '2:42', 'stages[0].dilation', '65 is out of range', 'use at most 64'),
    (ONE + 'stages: [{depth: 2, width: 64}, {depth: 2, width: 32}]\nshortcut: gate', 'shortcut', '3:11', 'shortcut.of', 'zero_pad can widen, never narrow: 64 channels to 32 (layer2.0)', "use 'projection' (1x1 convolution, option B)"),
]

BOMBS: list[Row] = [
    (ONE + 'stages: [{depth: 1000000000, width: 64}]', 'range', '2:18', 'stages[0].depth', '1000000000 is out of range', 'use at most 10000'),
    (ONE + 'stages: [{depth: 2, width: 1000000000000}]', 'range', '2:28', 'stages[0].width', '1000000000000 is out of range', 'use at most 65536'),
    (ONE + 'stages: [{depth: 9000, width: 1}, {depth: 9000, width: 1}]', 'limit', '2:9', 'stages', '18000 blocks, of at most 10000', 'use fewer blocks'),
    (ONE + 'stages: [{depth: 2, width: 64, stride: 1000}]', 'range', '2:40', 'stages[0].stride', '1000 is out of range', 'use at most 16'),
    (ONE + 'stages: [{depth: 2, width: 64}]\nin_channels: 99999999999999999999', 'range', '3:14', 'in_channels', '99999999999999999999 is out of range', 'use at most 65536'),
    (ONE + 'name: nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\nstages: [{depth: 2, width: 64}]', 'range', '2:7', 'name', 'expected at most 200 characters, not 201', 'leave some characters out'),
]
