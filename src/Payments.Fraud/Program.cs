using Payments.Fraud;
using Payments.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("fraud");
builder.AddFraud();

var app = builder.Build();
app.MapServiceDefaults();
app.MapFraud();
return await app.RunServiceAsync(args);
