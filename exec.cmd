@rem npm scripts begin with exec, so that a Unix shell hands its place, and npm's signals, to Node. cmd.exe has no such word.
@%*
