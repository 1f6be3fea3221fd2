using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness;

/// <summary>The files that NVIDIA's driver shows, in a folder of our own.</summary>
internal sealed class StandInNvidia : IDisposable
{
    private readonly TemporaryFolder _root = new();

    /// <summary>What reads them.</summary>
    public Nvidia Read => new(_root.Path);

    /// <summary>Two GPUs, as driver 580 shows them.</summary>
    public static StandInNvidia WithTwoGpus()
    {
        var nvidia = new StandInNvidia();
        nvidia.Add("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (root@host)\nGCC version:  gcc version 13.3.0\n");
        nvidia.Add("proc/driver/nvidia/gpus/0000:07:00.0/information", "Model: \t\t NVIDIA A10G\nIRQ:   \t\t 39\nDevice Minor: \t 0\n");
        nvidia.Add("proc/driver/nvidia/gpus/0000:08:00.0/information", "Model: \t\t NVIDIA T4\nIRQ:   \t\t 40\nDevice Minor: \t 1\n");
        foreach (var device in (string[])["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-caps/nvidia-cap1"]) nvidia.Add($"dev/{device}", "");
        return nvidia;
    }

    public void Add(string path, string text)
    {
        var file = _root[path];
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    public void Dispose() => _root.Dispose();
}
