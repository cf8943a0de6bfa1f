#!/bin/sh
# Opens an example in Neovim without a screen, with the language server of this repository, and prints what Neovim got from it.
# usage: sh editor/try-neovim.sh; needs nvim 0.7 or newer, and a build (npm run build).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$root/examples/quickstart/base" "$root/examples/quickstart/train.tsv" "$root/examples/quickstart/test.tsv" "$work/"
sed 's/attention/atention/' "$root/examples/quickstart/quickstart.peft" > "$work/quickstart.peft"

cat > "$work/try.lua" <<'LUA'
local root = os.getenv('PEFT_ROOT')
local out = function(...) io.stdout:write(string.format(...), '\n') end
local id = vim.lsp.start_client({ name = 'peft', cmd = { 'node', root .. '/dist/cli.js', 'lsp', '--stdio' }, root_dir = vim.fn.getcwd() })
vim.cmd('edit quickstart.peft')
vim.bo.filetype = 'peft'
vim.lsp.buf_attach_client(0, id)

local function wait(what, done)
  if not vim.wait(20000, done, 20) then
    out('%s: nothing came', what)
    vim.cmd('cquit 1')
  end
end
-- The first line that has a text, and where it begins there.
local function place(text)
  for line, content in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local from = content:find(text, 1, true)
    if from then return { line = line - 1, character = from - 1 } end
  end
  error('no ' .. text)
end
local function ask(method, position, more)
  local params = vim.tbl_extend('force', { textDocument = { uri = vim.uri_from_bufnr(0) }, position = position }, more or {})
  local answers = vim.lsp.buf_request_sync(0, method, params, 20000) or {}
  for _, answer in pairs(answers) do
    if answer.error then out('%s: error %s', method, answer.error.message) end
    return answer.result
  end
end

wait('diagnostics', function() return #vim.diagnostic.get(0) > 0 end)
for _, d in ipairs(vim.diagnostic.get(0)) do out('diagnostic %d:%d %s', d.lnum + 1, d.col + 1, d.message:gsub('\n', '; ')) end

local fixes = ask('textDocument/codeAction', nil, { range = { start = place('atention'), ['end'] = place('atention') }, context = { diagnostics = {} } })
out('fix: %s', fixes[1].title)
vim.lsp.util.apply_workspace_edit(fixes[1].edit, 'utf-16')
out('line 7 is now:%s', vim.api.nvim_buf_get_lines(0, 6, 7, false)[1])
wait('no errors', function() return #vim.diagnostic.get(0, { severity = vim.diagnostic.severity.ERROR }) == 0 end)

out('hover: %s', ask('textDocument/hover', place('mlp')).contents.value:match('^[^\n]*'))
local at = place('lora(rank')
local found = ask('textDocument/completion', { line = at.line, character = at.character + 5 })
local labels = {}
for _, item in ipairs(found.items or found) do labels[#labels + 1] = item.label end
out('completion in lora(: %s', table.concat(labels, ' '))
out('definition: %s', ask('textDocument/definition', at)[1].uri:match('stdlib/.*'))
for _, hint in ipairs(ask('textDocument/inlayHint', nil, { range = { start = { line = 0, character = 0 }, ['end'] = { line = 99, character = 0 } } })) do
  out('hint on line %d: %s', hint.position.line + 1, hint.label)
end
vim.api.nvim_buf_set_lines(0, 7, 8, false, { '       train    head' })
for _, edit in ipairs({ ask('textDocument/formatting', nil, { options = { tabSize = 2, insertSpaces = true } }) }) do
  vim.lsp.util.apply_text_edits(edit, 0, 'utf-16')
end
out('formatted:%s', vim.api.nvim_buf_get_lines(0, 7, 8, false)[1])
vim.lsp.stop_client(id)
wait('end', function() return vim.lsp.get_client_by_id(id) == nil or vim.lsp.client_is_stopped(id) end)
out('stopped')
vim.cmd('qall!')
LUA
cd "$work"
PEFT_ROOT="$root" nvim --headless -u NONE -n -c "luafile $work/try.lua"
