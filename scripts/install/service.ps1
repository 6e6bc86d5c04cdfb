# Runs krustlet as a node from the start of Windows on, by the Task Scheduler. As an administrator:
#
#     ./service.ps1 [-BootstrapFile bootstrap.conf] [-Arguments "--node-ip 192.0.2.10"]
#     ./service.ps1 -Stop | -Start | -Remove
#
# The service control manager starts only programs that answer it, and the runtime does not; the Task Scheduler
# starts any. The task looks each minute whether the agent runs, and starts it if not. It is LOCAL SERVICE, who
# has no rights beside its own folder, %ProgramData%\krustlet. Install krustlet as an administrator first.
param(
  [string] $BootstrapFile = "",
  [string] $Arguments = "",
  [string] $Program = (Join-Path $env:ProgramFiles "krustlet\bin\krustlet.cmd"),
  [switch] $Start,
  [switch] $Stop,
  [switch] $Remove
)
$ErrorActionPreference = "Stop"
$task = "krustlet"
$folder = Join-Path $env:ProgramData "krustlet"

# The task's end ends the shell that it started, and not what that has started.
function Stop-Agent {
  Disable-ScheduledTask -TaskName $task | Out-Null
  Stop-ScheduledTask -TaskName $task
  $root = Split-Path -Parent (Split-Path -Parent $Program)
  Get-CimInstance -ClassName Win32_Process -Filter "Name = 'deno.exe'" |
    Where-Object { $_.ExecutablePath -and $_.ExecutablePath.StartsWith("$root\", "OrdinalIgnoreCase") } |
    ForEach-Object { Stop-Process -Force -Id $_.ProcessId -ErrorAction SilentlyContinue }
}

if ($Stop -or $Remove) {
  Stop-Agent
  if ($Remove) {
    Unregister-ScheduledTask -TaskName $task -Confirm:$false
    Write-Output "Removed task $task; what the node keeps stays in $folder"
  }
  return
}
if ($Start) {
  Enable-ScheduledTask -TaskName $task | Out-Null
  Start-ScheduledTask -TaskName $task
  return
}

if (-not (Test-Path -Path $Program)) { throw "Cannot make task ${task}: there is no `"$Program`"; install krustlet as an administrator, or say -Program" }
New-Item -ItemType Directory -Force -Path $folder | Out-Null
# Keys lie here: nobody but the system (S-1-5-18), administrators (S-1-5-32-544) and the agent (S-1-5-19).
icacls $folder /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F" "*S-1-5-19:(OI)(CI)M" /q
if ($LASTEXITCODE -ne 0) { throw "Cannot make `"$folder`" private: icacls ended with $LASTEXITCODE" }
$bootstrap = Join-Path $folder "bootstrap.conf"
if ($BootstrapFile) { Copy-Item -Force -Path $BootstrapFile -Destination $bootstrap }

$command = "`"$Program`" --data-dir `"$folder\data`" --bootstrap-file `"$bootstrap`" $Arguments >> `"$folder\krustlet.log`" 2>&1"
$action = New-ScheduledTaskAction -Execute "$env:SystemRoot\System32\cmd.exe" -Argument "/d /s /c `"$command`"" -WorkingDirectory $folder
$triggers = @(
  (New-ScheduledTaskTrigger -AtStartup),
  (New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 1))
)
$principal = New-ScheduledTaskPrincipal -UserId "S-1-5-19" -LogonType ServiceAccount -RunLevel Limited
# No end, no battery, no low priority (7 is a task's own), and never twice.
$settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) -MultipleInstances IgnoreNew `
  -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -DontStopOnIdleEnd -StartWhenAvailable -Priority 5
Register-ScheduledTask -Force -TaskName $task -Description "krustlet, a Kubernetes node for WebAssembly" `
  -Action $action -Trigger $triggers -Principal $principal -Settings $settings | Out-Null
Start-ScheduledTask -TaskName $task
Write-Output "Task $task runs; it writes to $folder\krustlet.log, which names the request to approve"
