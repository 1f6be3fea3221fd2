namespace Loadline.Unit.Faults;

/// <summary>What the kernel says that this process has open or mapped of a folder's files: each test has a folder of its own.</summary>
internal static class OpenInThisProcess
{
    public static IReadOnlyList<string> Handles(string folder) =>
        [.. Directory.EnumerateFiles("/proc/self/fd").Select(TargetOf).OfType<string>().Where(target => target.StartsWith(folder, StringComparison.Ordinal))];

    public static IReadOnlyList<string> Maps(string folder) => [.. File.ReadLines("/proc/self/maps").Where(line => line.Contains(folder, StringComparison.Ordinal))];

    /// <summary>Nothing of the folder is open or mapped.</summary>
    public static void ShouldHaveNothingOf(string folder)
    {
        Handles(folder).Should().BeEmpty();
        Maps(folder).Should().BeEmpty();
    }

    // Another test's handle may be closed between the listing and the look.
    private static string? TargetOf(string handle)
    {
        try
        {
            return new FileInfo(handle).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
