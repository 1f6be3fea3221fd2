using Loadline.Harness.Runtimes;

namespace Loadline.Unit.Harness.Runtimes;

/// <summary>Tests against a real runtime run where there is one; elsewhere they skip with its reason, or fail if LOADLINE_REQUIRE names it.</summary>
internal static class RealRuntime
{
    public static async Task<T> OrSkipAsync<T>(string name, Func<Task<T>> start)
    {
        try
        {
            return await start();
        }
        catch (RuntimeException e)
        {
            if (Requirements.FromEnvironment().Demands(name)) throw;
            Assert.Skip(e.Message);
            throw;
        }
    }
}
