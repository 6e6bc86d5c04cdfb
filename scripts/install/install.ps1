# Installs a release of krustlet on Windows, if its checksum is the one that was published.
#
#     ./install.ps1 -Version 2.0.0 [-From URL-or-folder] [-To FOLDER]
param(
  [Parameter(Mandatory = $true)][string] $Version,
  [string] $From = "https://github.com/krustlet/krustlet/releases/download",
  [string] $To = "$env:LOCALAPPDATA\Programs"
)
$ErrorActionPreference = "Stop"

$Version = $Version -replace "^v", ""
$arch = if ($env:PROCESSOR_ARCHITECTURE -eq "ARM64") { "arm64" } else { "amd64" }
$name = "krustlet-$Version-windows-$arch"
$checksums = "checksums-$Version.txt"
$work = New-Item -ItemType Directory -Path (Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid()))
try {
  foreach ($file in @($checksums, "$name.zip")) {
    if ($From -match "^https?://") {
      Invoke-WebRequest -UseBasicParsing -Uri "$From/v$Version/$file" -OutFile "$work\$file"
    } else {
      Copy-Item "$From\$file" "$work\$file"
    }
  }
  $line = Get-Content "$work\$checksums" | Where-Object { $_.EndsWith("  $name.zip") }
  if (-not $line) { throw "Cannot install krustlet: $checksums does not name $name.zip" }
  $wanted = $line.Split(" ")[0]
  $found = (Get-FileHash -Algorithm SHA256 "$work\$name.zip").Hash
  if ($found -ne $wanted) {
    throw "Cannot install krustlet: $name.zip is not the file that $checksums names: its SHA-256 differs; nothing was changed"
  }
  New-Item -ItemType Directory -Force -Path $To | Out-Null
  if (Test-Path "$To\$name") { Remove-Item -Recurse -Force "$To\$name" }
  Expand-Archive "$work\$name.zip" -DestinationPath $To
  Write-Output "Installed krustlet in $To\$name; add that folder to PATH"
} finally {
  Remove-Item -Recurse -Force $work
}
