// Keeps the token for this tab. A browser may forbid storage; then the token lasts until the next reload.

const KEY = 'gui-host.token';

let remembered: string | null = null;

export function rememberToken(token: string): void {
  remembered = token;
}

/** Keeps the remembered token for the next reload. It takes a browser longer than one would think. */
export function storeToken(): void {
  try {
    if (remembered !== null) sessionStorage.setItem(KEY, remembered);
  } catch {
    // Forbidden: `remembered` alone has it.
  }
}

export function currentToken(): string | null {
  if (remembered !== null) return remembered;
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
