using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Harness.Output;

/// <summary>
/// Standard output or error, in UTF-8 and at once: each text is on its way when <see cref="Write(string?)"/> returns, and in one piece, whoever else writes.
/// </summary>
internal sealed class StandardWriter : TextWriter
{
    private readonly DescriptorStream _stream;

    private StandardWriter(int descriptor, string name) => _stream = new DescriptorStream(new SafeFileHandle(descriptor, ownsHandle: false), name);

    public static StandardWriter Output { get; } = new(1, "standard output");

    public static StandardWriter Error { get; } = new(2, "standard error");

    /// <summary>Whether somebody read from it and does not any more.</summary>
    public bool IsUnheard => _stream.IsUnheard;

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => Write(value.ToString());

    public override void Write(string? value)
    {
        var bytes = Encoding.UTF8.GetBytes(value ?? "");
        lock (_stream) _stream.Write(bytes);
    }

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    public override void WriteLine(string? value) => Write(value + "\n");
}
