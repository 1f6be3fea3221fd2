using System.Diagnostics;

namespace Loadline.Unit.Cuda.StandIn;

/// <summary>libcuda.c, built for one test with the compiler of this machine, in a folder that also holds its device memory.</summary>
internal sealed class StandInDriver : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private StandInDriver()
    {
    }

    /// <summary>The variables with which a process finds it.</summary>
    public Dictionary<string, string> Variables => new() { ["LD_LIBRARY_PATH"] = _folder.Path, ["STANDIN_FOLDER"] = _folder.Path };

    /// <summary>Builds it, or skips the test where there is no compiler.</summary>
    public static StandInDriver Build()
    {
        var driver = new StandInDriver();
        var source = Path.Combine(Repository.Root, "tests", "Unit", "Cuda", "StandIn", "libcuda.c");
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("cc", ["-shared", "-fPIC", "-O1", "-pthread", "-o", driver._folder["libcuda.so.1"], source]) { RedirectStandardError = true })!;
            var said = compiler.StandardError.ReadToEnd();
            compiler.WaitForExit();
            compiler.ExitCode.Should().Be(0, said);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            driver.Dispose();
            Assert.Skip("there is no C compiler (cc) to build the stand-in for libcuda.so.1");
        }

        return driver;
    }

    public void Dispose() => _folder.Dispose();
}
