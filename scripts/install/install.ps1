# Installs a release of krustlet on Windows, if its checksum is the one that was published.
#
#     ./install.ps1 [-Version 2.0.0] [-From URL-or-folder] [-To FOLDER]
#     ./install.ps1 -Uninstall [-Version 2.0.0] [-To FOLDER]
#
# FOLDER (%LOCALAPPDATA%\Programs\krustlet, or %ProgramFiles%\krustlet for an administrator) gets a folder for
# each version, and bin\krustlet.cmd, which starts the one that was installed last. Without a version it is the
# latest release. Versions that are there stay, since an agent may be running from them; -Uninstall removes all,
# or the one that -Version names. What nodes keep (%USERPROFILE%\.krustlet) is never touched.
param(
  [string] $Version = "",
  [string] $From = "https://github.com/krustlet/krustlet/releases/download",
  [string] $To = "",
  [switch] $Uninstall
)
$ErrorActionPreference = "Stop"
# A bar slows the downloads of Windows PowerShell 5 down by much.
$ProgressPreference = "SilentlyContinue"

function Fail([string] $Why) {
  throw "Cannot install krustlet: $Why"
}

function Test-Administrator {
  $me = [Security.Principal.WindowsPrincipal] [Security.Principal.WindowsIdentity]::GetCurrent()
  return $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
}

# The value of a version becomes part of paths.
function Confirm-Version([string] $Text) {
  if ($Text -notmatch "^\d+\.\d+\.\d+([.+-][0-9A-Za-z.+-]*)?$" -or $Text.Contains("..")) {
    Fail "`"$Text`" is no version; one is 2.0.0"
  }
}

# The version of the latest release: a folder has one, a server says so by the address that it leads to.
function Get-LatestVersion {
  if (-not $isUrl) {
    $found = @(Get-ChildItem -Path $From -Filter "checksums-*.txt")
    if ($found.Count -ne 1) { Fail "`"$From`" has not just one release; say which: -Version 2.0.0" }
    return $found[0].Name -replace "^checksums-", "" -replace "\.txt$", ""
  }
  $page = ($From -replace "/download$", "") + "/latest"
  $request = [Net.WebRequest]::Create($page)
  $request.Method = "HEAD"
  $request.AllowAutoRedirect = $false
  $request.Timeout = 30000
  $address = ""
  try {
    $response = $request.GetResponse()
    $address = [string] $response.Headers["Location"]
    $response.Close()
  } catch {
    Fail "`"$page`" cannot be had: $($_.Exception.Message)"
  }
  if ($address -notmatch "/tag/v(.+)$") {
    Fail "`"$page`" does not say which release is the latest; say it with -Version 2.0.0"
  }
  return $Matches[1]
}

function Get-ReleaseFile([string] $File) {
  $target = Join-Path $work $File
  if (-not $isUrl) {
    Copy-Item -Path (Join-Path $From $File) -Destination $target
    return
  }
  try {
    Invoke-WebRequest -UseBasicParsing -Uri "$From/v$Version/$File" -OutFile $target -TimeoutSec 600
  } catch {
    Fail "$File cannot be had from ${From}: $($_.Exception.Message)"
  }
}

# Nothing is unpacked before its checksum is known and right.
function Confirm-Checksum {
  $line = Get-Content -Path (Join-Path $work $checksums) | Where-Object { $_ -match "^[0-9a-f]{64}  $([regex]::Escape("$name.zip"))$" }
  if (@($line).Count -ne 1) { Fail "$checksums does not name $name.zip" }
  $wanted = @($line)[0].Substring(0, 64)
  $found = (Get-FileHash -Algorithm SHA256 -Path (Join-Path $work "$name.zip")).Hash
  if ($found -ne $wanted) {
    Fail "$name.zip is not the file that $checksums names: its SHA-256 differs; nothing was changed"
  }
}

# The new version is complete, and has run, before anything that is there is touched.
function Install-Release {
  New-Item -ItemType Directory -Force -Path $To, (Join-Path $To "bin") | Out-Null
  $beside = Join-Path $To (".new-" + [Guid]::NewGuid())
  try {
    Expand-Archive -Path (Join-Path $work "$name.zip") -DestinationPath $beside
    $said = [string] (& (Join-Path $beside "$name\krustlet.cmd") --version)
    if ($said.Trim() -ne "krustlet $Version") {
      Fail "$name does not run on this machine, and nothing was changed. It says: $said"
    }
    $place = Join-Path $To $name
    if (Test-Path -Path $place) { Move-Item -Path $place -Destination (Join-Path $beside "old") }
    try {
      Move-Item -Path (Join-Path $beside $name) -Destination $place
    } catch {
      if (Test-Path -Path (Join-Path $beside "old")) { Move-Item -Path (Join-Path $beside "old") -Destination $place }
      throw
    }
    # A rename: whoever starts krustlet meanwhile gets the old version or the new one.
    $starter = Join-Path $To "bin\krustlet.cmd"
    Set-Content -Path "$starter.new" -Encoding ASCII -Value "@`"%~dp0..\$name\krustlet.cmd`" %*"
    Move-Item -Force -Path "$starter.new" -Destination $starter
    Write-Output "Installed $($said.Trim()) as $starter"
  } finally {
    if (Test-Path -Path $beside) { Remove-Item -Recurse -Force -Path $beside }
  }
  $bin = Join-Path $To "bin"
  if (($env:PATH -split ";") -notcontains $bin) { Write-Output "`"$bin`" is not in PATH: add it" }
}

function Remove-Release {
  $filter = if ($Version) { "krustlet-$Version-windows-$arch" } else { "krustlet-*-windows-$arch" }
  $folders = @(Get-ChildItem -Path $To -Directory -Filter $filter -ErrorAction SilentlyContinue)
  if ($folders.Count -eq 0) { Fail "there is no `"$(Join-Path $To $filter)`" to remove" }
  $starter = Join-Path $To "bin\krustlet.cmd"
  foreach ($folder in $folders) {
    if ((Test-Path -Path $starter) -and (Get-Content -Raw -Path $starter).Contains($folder.Name)) {
      Remove-Item -Force -Path $starter
    }
    Remove-Item -Recurse -Force -Path $folder.FullName
    Write-Output "Removed $($folder.FullName)"
  }
  Write-Output "What nodes keep stays (%USERPROFILE%\.krustlet, or where --data-dir pointed)"
}

$Version = $Version -replace "^v", ""
$From = $From.TrimEnd("/", "\")
if (-not $To) {
  $To = if (Test-Administrator) { Join-Path $env:ProgramFiles "krustlet" } else { Join-Path $env:LOCALAPPDATA "Programs\krustlet" }
}
$machine = if ($env:PROCESSOR_ARCHITEW6432) { $env:PROCESSOR_ARCHITEW6432 } else { $env:PROCESSOR_ARCHITECTURE }
$arch = if ($machine -eq "ARM64") { "arm64" } elseif ($machine -eq "AMD64") { "amd64" } else { Fail "there is no release for $machine" }
if ($Uninstall) {
  if ($Version) { Confirm-Version $Version }
  Remove-Release
  return
}
$isUrl = $From -match "^https://"
if (-not $isUrl -and $From -match "^[A-Za-z][A-Za-z0-9+.-]+://") { Fail "`"$From`" is not fetched: give an https:// URL or a folder" }
if (-not $isUrl -and -not (Test-Path -Path $From -PathType Container)) { Fail "there is no folder `"$From`"" }
# Windows PowerShell 5 would still try older ones.
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
if (-not $Version) { $Version = Get-LatestVersion }
Confirm-Version $Version
$name = "krustlet-$Version-windows-$arch"
$checksums = "checksums-$Version.txt"
$work = Join-Path ([IO.Path]::GetTempPath()) ("krustlet-" + [Guid]::NewGuid())
New-Item -ItemType Directory -Path $work | Out-Null
try {
  Get-ReleaseFile $checksums
  Get-ReleaseFile "$name.zip"
  Confirm-Checksum
  Install-Release
} finally {
  Remove-Item -Recurse -Force -Path $work
}
