//! The plan as a PowerShell script that looks before and after it writes.

use std::fmt::Write as _;

use super::Plan;
use crate::registry::Value;

/// The script, for Windows PowerShell 2 and later. It ends with 0 when every value is set, and with 1 otherwise.
#[must_use]
pub fn powershell(plan: &Plan) -> String {
    let mut text = String::new();
    for remark in plan.remarks() {
        let _ = write!(text, "# {remark}\r\n");
    }
    text.push_str("\r\n$values = @(\r\n");
    let entries: Vec<String> = plan
        .values
        .iter()
        .map(|planned| {
            let (kind, data) = match &planned.value {
                Value::Dword(number) => ("DWord", number.to_string()),
                other => ("String", quoted(other.as_text().unwrap_or_default())),
            };
            let path = planned.key.replacen("HKLM\\", "HKLM:\\", 1);
            format!(
                "    @{{ Path = {}; Name = {}; Kind = '{kind}'; Data = {data} }}",
                quoted(&path),
                quoted(planned.name)
            )
        })
        .collect();
    text.push_str(&entries.join(",\r\n"));
    text.push_str("\r\n)\r\n");
    text.push_str(&BODY.replace('\n', "\r\n"));
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

const BODY: &str = r#"
$identity = [Security.Principal.WindowsIdentity]::GetCurrent()
$principal = New-Object Security.Principal.WindowsPrincipal($identity)
if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
    Write-Error 'Run this as administrator.'
    exit 1
}
# A 32-bit PowerShell on 64-bit Windows would write where nothing reads.
if ($env:PROCESSOR_ARCHITEW6432) {
    Write-Error 'Run this in 64-bit PowerShell, not in the 32-bit one.'
    exit 1
}

function Get-Planned($value) {
    $key = Get-Item -LiteralPath $value.Path -ErrorAction SilentlyContinue
    if ($key -eq $null -or $key.GetValueNames() -notcontains $value.Name) { return 'not set' }
    return '{0} ({1})' -f $key.GetValue($value.Name), $key.GetValueKind($value.Name)
}

$failed = 0
foreach ($value in $values) {
    $wanted = '{0} ({1})' -f $value.Data, $value.Kind
    $before = Get-Planned $value
    if ($before -eq $wanted) {
        Write-Output ('{0}: already {1}' -f $value.Name, $wanted)
        continue
    }
    try {
        if (-not (Test-Path -LiteralPath $value.Path)) {
            New-Item -Path $value.Path -Force -ErrorAction Stop | Out-Null
        }
        New-ItemProperty -Path $value.Path -Name $value.Name -PropertyType $value.Kind -Value $value.Data -Force -ErrorAction Stop | Out-Null
    } catch {
        Write-Warning ('{0}: {1}' -f $value.Name, $_)
    }
    $after = Get-Planned $value
    if ($after -eq $wanted) {
        Write-Output ('{0}: was {1}, now {2}' -f $value.Name, $before, $after)
    } else {
        Write-Warning ('{0}: is {1}, should be {2}' -f $value.Name, $after, $wanted)
        $failed++
    }
}
if ($failed -gt 0) {
    Write-Error "$failed of the values could not be set."
    exit 1
}
Write-Output 'Every value is set. Data takes 48 to 56 hours to appear.'
exit 0
"#;
