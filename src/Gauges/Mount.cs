using System.Text;

namespace Loadline.Gauges;

/// <summary>One line of /proc/PID/mountinfo.</summary>
/// <param name="Root">Which part of the file system is mounted: "/" for all of it.</param>
/// <param name="Point">Where it is mounted.</param>
/// <param name="Type">The file system's type.</param>
/// <param name="Options">The options of the file system itself, which for cgroup v1 name its controllers.</param>
internal sealed record Mount(string Root, string Point, string Type, IReadOnlyList<string> Options)
{
    /// <summary>Reads a line as proc_pid_mountinfo(5) has it: six fields, any number of optional ones, a lone hyphen, three more.</summary>
    public static Mount Parse(string line, string path)
    {
        var fields = line.Split(' ');
        var hyphen = Array.IndexOf(fields, "-");
        if (hyphen < 6 || fields.Length < hyphen + 4) throw new GaugeException(path, $"line '{line}' is no mount");
        return new Mount(Unescape(fields[3]), Unescape(fields[4]), fields[hyphen + 1], fields[hyphen + 3].Split(','));
    }

    // Blanks, tabs, line feeds and backslashes are written as a backslash and three octal digits each; other bytes stand for themselves.
    private static string Unescape(string field)
    {
        var text = new StringBuilder(field.Length);
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length && field.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0)
            {
                text.Append((char)Convert.ToInt32(field.Substring(i + 1, 3), 8));
                i += 3;
            }
            else
            {
                text.Append(field[i]);
            }
        }

        return text.ToString();
    }
}
