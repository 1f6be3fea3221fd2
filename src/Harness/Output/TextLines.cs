using System.Text;

namespace Loadline.Harness.Output;

/// <summary>Many lines, written some thousands at a time: each by itself would be a call of the kernel.</summary>
internal static class TextLines
{
    private const int MostChars = 32 << 10;

    /// <summary>Writes each with an end of its own.</summary>
    public static void WriteLines(this TextWriter output, IEnumerable<string> lines)
    {
        var text = new StringBuilder();
        foreach (var line in lines)
        {
            text.Append(line).Append('\n');
            if (text.Length < MostChars) continue;
            output.Write(text.ToString());
            text.Clear();
        }

        if (text.Length > 0) output.Write(text.ToString());
    }
}
