using System.Diagnostics;

namespace Loadline.Unit.Faults;

/// <summary>A disk of 8 MiB that a test may fill: a file with a file system of its own. Not a tmpfs, which Loadline refuses where files have to leave memory.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private SmallDisk() => Path = Directory.CreateDirectory(_folder["disk"]).FullName;

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    /// <summary>Mounts one, or skips the test where that is not allowed.</summary>
    public static SmallDisk OrSkip()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root mounts a disk");
        var disk = new SmallDisk();
        var image = disk._folder["image"];
        using (var file = File.Create(image)) file.SetLength(8 * ByteSize.MiB);
        var whyNot = Run("mkfs.ext4", "-q", "-m", "0", image) ?? Run("mount", "-o", "loop", image, disk.Path);
        if (whyNot is null) return disk;
        disk._folder.Dispose();
        Assert.Skip($"no disk can be mounted here: {whyNot}");
        throw null!;
    }

    /// <summary>A path on it.</summary>
    public string At(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>What lies on it, whatever fills it left out.</summary>
    public IReadOnlyList<string> Names => [.. Directory.EnumerateFileSystemEntries(Path).Select(p => System.IO.Path.GetFileName(p)).Except(["lost+found", Ballast])];

    /// <summary>Takes all but a little of what is free.</summary>
    public void Fill(long leftBytes = 0)
    {
        using var file = new FileStream(At(Ballast), FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[4096];
        try
        {
            while (new DriveInfo(Path).AvailableFreeSpace > leftBytes) file.Write(block);
        }
        catch (IOException)
        {
            // Full to the last block.
        }

        file.Flush(flushToDisk: true);
    }

    /// <summary>Gives what <see cref="Fill"/> took back.</summary>
    public void Empty() => File.Delete(At(Ballast));

    public void Dispose()
    {
        if (Run("umount", Path) is { } problem) throw new IOException(problem);
        _folder.Dispose();
    }

    private const string Ballast = "ballast";

    private static string? Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"{program}: {error.Trim()}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }
}
