// The marks that tell a state by form, not by colour alone.

export type ShapeKind = 'ring' | 'dashed' | 'dots' | 'disc' | 'half' | 'cross' | 'triangle' | 'tick' | 'dot';
