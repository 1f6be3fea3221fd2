namespace Loadline.Checkpoints;

/// <summary>Why a checkpoint was refused: a closed set, so that callers and tests need not read messages.</summary>
public enum CheckpointError
{
    /// <summary>There is nothing at the path.</summary>
    NotFound,

    /// <summary>The operating system refuses to open or read it.</summary>
    Unreadable,

    /// <summary>The bytes are no format that Loadline knows.</summary>
    UnknownFormat,

    /// <summary>The file ends before its own contents do.</summary>
    Truncated,

    /// <summary>The file breaks a rule of its format.</summary>
    Malformed,

    /// <summary>The file declares more than any honest file would: a limit protects the reader.</summary>
    LimitExceeded,

    /// <summary>The file is sound but holds what Loadline does not load (TorchScript, sparse, quantized, big-endian).</summary>
    Unsupported,

    /// <summary>The pickle names a global outside the allow-list.</summary>
    ForbiddenGlobal,

    /// <summary>The file was changed or replaced since its headers were read.</summary>
    Changed,

    /// <summary>The checkpoint does not fit the model: a tensor is missing, left over, or of another shape or dtype.</summary>
    Mismatch,
}

/// <summary>A checkpoint that cannot be used. The message is one line, "FILE: what is wrong", and says what to do where something can be done.</summary>
public sealed class CheckpointException : Exception
{
    /// <summary>Creates the error for a file; <paramref name="tensor"/> names the tensor where one is to blame.</summary>
    public CheckpointException(CheckpointError error, string file, string problem, string? tensor = null, Exception? inner = null)
        : base(OneLine($"{file}: {(tensor is null ? "" : $"tensor '{Short(tensor)}' ")}{Short(problem)}"), inner)
    {
        Error = error;
        File = file;
        Tensor = tensor;
        Problem = problem;
    }

    private CheckpointException(CheckpointException inner, string tensor)
        : base(OneLine($"{inner.File}: reading tensor '{Short(tensor)}': {Short(inner.Problem)}"), inner)
    {
        Error = inner.Error;
        File = inner.File;
        Tensor = tensor;
        Problem = inner.Problem;
    }

    /// <summary>The kind of error.</summary>
    public CheckpointError Error { get; }

    /// <summary>The file or folder that was refused.</summary>
    public string File { get; }

    /// <summary>The tensor that is to blame, where it is one.</summary>
    public string? Tensor { get; }

    /// <summary>The message without the file and the tensor.</summary>
    internal string Problem { get; }

    /// <summary>The same error, of a read that knew its file and position only, with the tensor that the bytes were for.</summary>
    internal CheckpointException WhileReading(string tensor) => new(this, tensor);

    /// <summary>Names from a file may be megabytes long, and hold anything: the message stays one readable line.</summary>
    private static string OneLine(string text) => PrintableText.Escape(Short(text));

    // Each part before they are put together: one of 90 MB would be copied several times.
    private static string Short(string text) => PrintableText.Shorten(text, maxLength: 1000);
}
