using System.Globalization;

namespace Loadline.Unit.Strategies.Cuda;

/// <summary>What the kernel says about this process's mappings (<c>/proc/self/smaps</c>).</summary>
internal static class SelfMaps
{
    /// <summary>The mapping that holds an address: its line, and the lines with its figures.</summary>
    public static string At(nint address)
    {
        var found = new List<string>();
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            if (Range(line) is not var (start, end))
            {
                if (found.Count > 0) found.Add(line);
            }
            else if (found.Count > 0) break;
            else if (start <= address && address < end) found.Add(line);
        }

        return string.Join('\n', found);
    }

    /// <summary>One of the figures.</summary>
    public static long Bytes(string map, string name)
    {
        var line = map.Split('\n').Single(l => l.StartsWith(name + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * ByteSize.KiB;
    }

    private static (nint Start, nint End)? Range(string line)
    {
        var range = line.Split(' ')[0].Split('-');
        return range.Length == 2 && nint.TryParse(range[0], NumberStyles.HexNumber, null, out var start) && nint.TryParse(range[1], NumberStyles.HexNumber, null, out var end)
            ? (start, end)
            : null;
    }
}
