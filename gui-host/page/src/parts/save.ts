// Saves files: a text that the page has, or what stands at an address of gui-host.

export function saveText(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  saveAs(name, address);
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export function saveAs(name: string, address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
}
