using System.Text;
using Loadline.Checkpoints;

namespace Loadline.Harness.Output;

/// <summary>
/// Standard output or error, which a program, a file or a name that is printed cannot steer: of characters that are not seen, only ends of lines and tabs
/// arrive as they are.
/// </summary>
/// <param name="inner">Where it goes.</param>
internal sealed class PrintableWriter(TextWriter inner) : TextWriter
{
    private string _firstHalf = "";

    public override Encoding Encoding => inner.Encoding;

    // Half a character says nothing by itself, and the other half comes right after it.
    public override void Write(char value)
    {
        if (char.IsHighSurrogate(value))
        {
            _firstHalf = value.ToString();
            return;
        }

        Write(value.ToString());
    }

    public override void Write(string? value)
    {
        if (_firstHalf.Length > 0) (value, _firstHalf) = (_firstHalf + value, "");
        if (value is not null) inner.Write(PrintableText.EscapeLines(value));
    }

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    public override void WriteLine() => inner.Write("\n");

    // In one piece: each is a call of the kernel.
    public override void WriteLine(string? value)
    {
        if (_firstHalf.Length > 0) (value, _firstHalf) = (_firstHalf + value, "");
        inner.Write(PrintableText.EscapeLines(value ?? "") + '\n');
    }

    public override void Flush() => inner.Flush();
}
