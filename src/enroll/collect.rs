//! What to run on a device: the full scan, and the script that makes a snapshot.

use super::places::{
    ANTIVIRUS_PROVIDERS, APPRAISER_TASK, COMPUTER_NAMES, FILES, FIREWALL_RULES, INTERNET_SETTINGS,
    INTERNET_SETTINGS_POLICY, PROXY_VALUES, SECRET, SENDER_IN_RULES, SERVICES_ASKED, asked,
};

/// The commands that start a full inventory scan, in this order, as administrator.
pub const SCAN: [&str; 2] = [
    "CompatTelRunner.exe -m:generaltel.dll -f:DoCensusRun",
    "CompatTelRunner.exe -m:appraiser.dll -f:DoScheduledTelemetryRun ent",
];

/// A Windows PowerShell 2 script that makes a `waprobe-snapshot/1` document of the device it runs on, its proxies with it: into the
/// file that its one argument names, or on standard output. It changes nothing else.
#[must_use]
pub fn powershell() -> String {
    let keys: Vec<String> =
        asked().into_iter().chain(COMPUTER_NAMES.map(str::to_owned)).map(|key| format!("    '{key}'")).collect();
    let quoted = |names: &[&str]| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    SCRIPT
        .replace("@KEYS@", &keys.join(",\n"))
        .replace("@INTERNET@", INTERNET_SETTINGS)
        .replace("@INTERNETPOLICY@", INTERNET_SETTINGS_POLICY)
        .replace("@PROXYVALUES@", &quoted(&PROXY_VALUES))
        .replace("@RULES@", &quoted(&FIREWALL_RULES))
        .replace("@SENDER@", &SENDER_IN_RULES.map(|name| name.replace('.', r"\.")).join("|"))
        .replace("@ANTIVIRUS@", ANTIVIRUS_PROVIDERS)
        .replace("@TASK@", APPRAISER_TASK)
        .replace("@SECRET@", &quoted(&SECRET.map(|(_, name)| name)))
        .replace("@SERVICES@", &quoted(&SERVICES_ASKED))
        .replace("@FILES@", &quoted(&FILES))
}

const SCRIPT: &str = r#"# Writes this device's enrolment and proxy settings as JSON into a file, or prints them where none is named. Changes nothing else.
# Run it in a 64-bit prompt, best as administrator:
#   powershell -NoProfile -ExecutionPolicy Bypass -File snapshot.ps1 device.json
# and then, anywhere:  waprobe enroll check --snapshot device.json
param([string]$Path)
$ErrorActionPreference = 'Stop'
if ($env:PROCESSOR_ARCHITEW6432) { [Console]::Error.WriteLine('Run this in 64-bit PowerShell.'); exit 1 }
$culture = [Globalization.CultureInfo]::InvariantCulture
$keys = @(
@KEYS@
)

# Antivirus products that registered with Windows, a key each.
$antivirus = '@ANTIVIRUS@'
try {
    $keys += @(Get-ChildItem -LiteralPath ('Registry::' + $antivirus.Replace('HKLM\', 'HKEY_LOCAL_MACHINE\')) | ForEach-Object { $antivirus + '\' + $_.PSChildName })
} catch { }

# Of the firewall's rules only those that may be about what sends diagnostic data.
$rules = @(@RULES@)
$sender = '@SENDER@'

# Where each account's addresses go, by these values alone. A hive that this account may not read is left out.
$proxyvalues = @(@PROXYVALUES@)
$person = '^S-1-(5-21|12-1)-[0-9-]+$'
$own = [Security.Principal.WindowsIdentity]::GetCurrent().User.Value
$accounts = @('S-1-5-18', '.DEFAULT')
$accounts += @([Microsoft.Win32.Registry]::Users.GetSubKeyNames() | Where-Object { $_ -match $person -and $_ -ne $own })
$hives = @('HKLM')
if ($own -match $person) { $hives += 'HKCU' }
foreach ($account in $accounts) {
    try {
        if ([Microsoft.Win32.Registry]::Users.OpenSubKey($account + '\SOFTWARE')) { $hives += 'HKU\' + $account }
    } catch { }
}
$proxies = @('@INTERNETPOLICY@')
foreach ($hive in $hives) { $proxies += ($hive + '\@INTERNET@'), ($hive + '\@INTERNET@\Connections') }

# PowerShell 2, which Windows 7 has, knows no ConvertTo-Json.
function Text($value) {
    $out = New-Object Text.StringBuilder
    foreach ($character in ([string]$value).ToCharArray()) {
        $number = [int]$character
        if ($number -lt 32 -or $number -gt 126 -or $number -eq 34 -or $number -eq 92) {
            [void]$out.Append('\u' + $number.ToString('x4'))
        } else {
            [void]$out.Append($character)
        }
    }
    return '"' + $out.ToString() + '"'
}
function Hex($bytes) { if ($bytes -eq $null -or $bytes.Length -eq 0) { return '""' }; return '"' + [BitConverter]::ToString([byte[]]$bytes).Replace('-', '') + '"' }
function Moment($date) { return '"' + $date.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ', $culture) + '"' }
function Entry($type, $data) { return '{ "type": "' + $type + '", "data": ' + $data + ' }' }
function Typed($key, $name) {
    $value = $key.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
    switch ($key.GetValueKind($name).ToString()) {
        'String' { return Entry 'sz' (Text $value) }
        'ExpandString' { return Entry 'expand-sz' (Text $value) }
        'MultiString' { return Entry 'multi-sz' ('[' + (@($value | ForEach-Object { Text $_ }) -join ', ') + ']') }
        'DWord' { return Entry 'dword' ([BitConverter]::ToUInt32([BitConverter]::GetBytes([int]$value), 0).ToString($culture)) }
        'QWord' { return Entry 'qword' ([BitConverter]::ToUInt64([BitConverter]::GetBytes([long]$value), 0).ToString($culture)) }
        'Binary' { return Entry 'binary' (Hex $value) }
    }
    # Of a type that nobody expects: what matters is that it is there.
    return Entry 'none' (Hex ($value -as [byte[]]))
}

$parts = @('"schema": "waprobe-snapshot/1"')
$parts += '"captured": ' + (Moment (Get-Date))
$system = Get-WmiObject Win32_OperatingSystem
$parts += '"server": ' + ($system.ProductType -ne 1).ToString().ToLower()

$found = @()
foreach ($path in $keys + @($proxies | Where-Object { $keys -notcontains $_ })) {
    $provider = 'Registry::' + $path.Replace('HKLM\', 'HKEY_LOCAL_MACHINE\').Replace('HKCU\', 'HKEY_CURRENT_USER\').Replace('HKU\', 'HKEY_USERS\')
    if (-not (Test-Path -LiteralPath $provider)) {
        $found += '    ' + (Text $path) + ': null'
        continue
    }
    # A key that may not be read is left out: then it is not known.
    try { $key = Get-Item -LiteralPath $provider } catch { continue }
    $values = @()
    foreach ($name in $key.GetValueNames()) {
        # A product key can be read out of these.
        if (@SECRET@ -contains $name) { continue }
        if ($keys -notcontains $path -and $proxyvalues -notcontains $name) { continue }
        if ($rules -contains $path -and [string]$key.GetValue($name) -notmatch $sender) { continue }
        # Data that does not fit its type: there it is, and it is no value of that type.
        try { $typed = Typed $key $name } catch { $typed = Entry 'none' '""' }
        $values += (Text $name) + ': ' + $typed
    }
    $found += '    ' + (Text $path) + ': { ' + ($values -join ', ') + ' }'
}
$parts += '"keys": {' + "`n" + ($found -join ",`n") + "`n  }"

$found = @()
foreach ($name in @SERVICES@) {
    $service = Get-WmiObject Win32_Service -Filter "Name='$name'"
    if (-not $service) { $found += (Text $name) + ': null'; continue }
    switch ($service.StartMode) {
        'Auto' { $start = 'automatic' }
        'Manual' { $start = 'manual' }
        'Disabled' { $start = 'disabled' }
        default { $start = 'other' }
    }
    $running = ($service.State -eq 'Running').ToString().ToLower()
    $found += (Text $name) + ': { "start": "' + $start + '", "running": ' + $running + ' }'
}
$parts += '"services": { ' + ($found -join ', ') + ' }'

try {
    $scheduler = New-Object -ComObject Schedule.Service
    $scheduler.Connect()
    $path = '@TASK@'
    $folder = $scheduler.GetFolder($path.Substring(0, $path.LastIndexOf('\')))
    $task = $folder.GetTasks(1) | Where-Object { $_.Path -eq $path }
    if ($task) {
        $last = 'null'
        # A task that never ran has a date of the last century.
        if ($task.LastRunTime.Year -gt 2000) { $last = Moment $task.LastRunTime }
        $result = 'null'
        if ($last -ne 'null') { $result = [BitConverter]::ToUInt32([BitConverter]::GetBytes([long]$task.LastTaskResult), 0).ToString($culture) }
        $facts = '{ "enabled": ' + $task.Enabled.ToString().ToLower() + ', "last_run": ' + $last + ', "last_result": ' + $result + ' }'
    } else {
        $facts = 'null'
    }
    $parts += '"tasks": { ' + (Text $path) + ': ' + $facts + ' }'
} catch { }

$found = @()
foreach ($name in @FILES@) {
    $file = Join-Path $env:windir "System32\$name"
    if (-not (Test-Path -LiteralPath $file)) { $found += (Text $name) + ': null'; continue }
    $version = (Get-Item -LiteralPath $file).VersionInfo
    $numbers = $version.FileMajorPart, $version.FileMinorPart, $version.FileBuildPart, $version.FilePrivatePart
    $found += (Text $name) + ': "' + ($numbers -join '.') + '"'
}
$parts += '"files": { ' + ($found -join ', ') + ' }'

try {
    $updates = @(Get-WmiObject Win32_QuickFixEngineering | Where-Object { $_.HotFixID -match '^KB\d+$' } | ForEach-Object { Text $_.HotFixID })
    $parts += '"hotfixes": [' + ($updates -join ', ') + ']'
} catch { }
$parts += '"pending_xml": ' + (Test-Path -LiteralPath (Join-Path $env:windir 'winsxs\pending.xml')).ToString().ToLower()

# By neither Write-Output nor a redirection: these may break long lines, and a redirection inside of PowerShell misses the console.
$document = "{`n  " + ($parts -join ",`n  ") + "`n}`n"
if ($Path) {
    [IO.File]::WriteAllText($ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path), $document)
} else {
    [Console]::Out.Write($document)
}
"#;
