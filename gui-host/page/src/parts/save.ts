// Saves files: what the page has itself, or what stands at an address of gui-host.

export function saveText(name: string, text: string): void {
  saveBlob(name, new Blob([text], { type: 'text/csv' }));
}

export function saveBlob(name: string, blob: Blob): void {
  const address = URL.createObjectURL(blob);
  saveAs(name, address);
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export function saveAs(name: string, address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
}
