//! The plan as a PowerShell script that looks before and after it writes.

use std::fmt::Write as _;

use super::Plan;
use crate::enroll::places::{POLICY, PREFERENCE};
use crate::enroll::waiting::AFTER_SENDING;
use crate::registry::Value;

/// The script, for Windows PowerShell 2 and later. It ends with 0 when every value is set and nothing contradicts
/// them, and with 1 otherwise.
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
    let path = |key: &str| quoted(&key.replacen("HKLM\\", "HKLM:\\", 1));
    let body = BODY
        .replace("@PREFERENCE@", &path(PREFERENCE))
        .replace("@POLICY@", &path(POLICY))
        .replace("@WAITING@", AFTER_SENDING);
    text.push_str(&body.replace('\n', "\r\n"));
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

# A policy wins over these; the deployment script looks at them all the same, and stops.
$beside = @PREFERENCE@
$policies = $values | Where-Object { $_.Path -eq @POLICY@ }
foreach ($value in $policies) {
    $key = Get-Item -LiteralPath $beside -ErrorAction SilentlyContinue
    if ($key -eq $null -or $key.GetValueNames() -notcontains $value.Name) { continue }
    $data = $key.GetValue($value.Name)
    $kind = $key.GetValueKind($value.Name)
    $fits = $true
    if ($value.Name -eq 'CommercialId') { $fits = "$data".Trim('{', '}') -eq $value.Data }
    if ($value.Name -eq 'AllowTelemetry') { $fits = ($kind -eq 'DWord') -and (@(1, 2, 3) -contains $data) }
    if (-not $fits) {
        Write-Warning ('{0}: {1} ({2}) stands under {3} and is in the way of the deployment script: delete it, or set it to the same.' -f $value.Name, $data, $kind, $beside)
        $failed++
    }
}
if ($failed -gt 0) {
    Write-Error "$failed of the values could not be set, or are contradicted: see the warnings."
    exit 1
}
Write-Output 'Every value is set. @WAITING@'
exit 0
"#;
