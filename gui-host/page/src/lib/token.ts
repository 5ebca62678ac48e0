// Keeps the token for this tab. A browser may forbid storage; then the token lasts until the next reload.

const KEY = 'gui-host.token';

let remembered: string | null = null;

export function rememberToken(token: string): void {
  remembered = token;
  try {
    sessionStorage.setItem(KEY, token);
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
